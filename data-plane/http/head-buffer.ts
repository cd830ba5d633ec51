import { lineFeed, tokenByte } from "./byte-class.ts";

const endOfHead = Buffer.from("\r\n\r\n");
const empty = Buffer.alloc(0);

/**
 * A head that arrives in pieces. Each byte is copied and looked at a bounded number of times, however small the pieces
 * are; what cannot become a head is noticed before its end.
 */
export class HeadBuffer {
  #bytes = empty;
  #length = 0;
  #searchedTo = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  clear(): void {
    if (this.#length === 0) return;
    this.#bytes = empty;
    this.#length = 0;
    this.#searchedTo = 0;
  }

  /** Takes the first piece; 400 when no head begins like this. */
  begin(bytes: Buffer, start: number): 0 | 400 {
    return this.check(this.append(bytes, start));
  }

  /** All bytes so far. */
  append(bytes: Buffer, start: number): Buffer {
    const added = bytes.length - start;
    const length = this.#length + added;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(512, length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length, start);
    this.#length = length;
    return this.#bytes.subarray(0, length);
  }

  /** Index after the empty line, or -1. */
  findEnd(bytes: Buffer, start: number): number {
    const found = bytes.indexOf(endOfHead, Math.max(start, this.#searchedTo - 3));
    return found === -1 ? -1 : found + 4;
  }

  /** Looks at what came since the last check: a line may not end with LF alone. */
  check(bytes: Buffer): 0 | 400 {
    const first = bytes[0] ?? 0;
    // CR: the one empty line that may come before a request.
    if (tokenByte[first] !== 1 && first !== 13) return 400;
    for (let index = this.#searchedTo; index < bytes.length; index += 1) {
      if (bytes[index] === lineFeed && bytes[index - 1] !== 13) return 400;
    }
    this.#searchedTo = bytes.length;
    return 0;
  }
}
