const empty = Buffer.alloc(0);

/** Bytes that arrive in pieces: each is copied a bounded number of times, however small the pieces are. */
export class GrowingBuffer {
  #bytes = empty;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** All bytes so far. Good until the next call: what is kept longer is copied. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  append(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(512, length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = length;
  }

  /** Forgets them, and hands them over. */
  take(): Buffer {
    const { bytes } = this;
    this.#bytes = empty;
    this.#length = 0;
    return bytes;
  }
}
