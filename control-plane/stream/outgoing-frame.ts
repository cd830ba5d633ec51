/**
 * A frame on its way to one node. grpc-js copies every message behind a header of its own, 50 times for 50 nodes, and the
 * collector would let some 64 MB of such copies wait. A copy is of no use once it is written: its memory is then given
 * back at once. Should grpc-js copy in another way one day, copies wait for the collector again and nothing else happens.
 */
export class OutgoingFrame {
  readonly #frame: Buffer;
  #copy: Buffer | undefined;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  /** The frame's bytes, which notice where they are copied to. */
  serialized(): Buffer {
    const bytes = this.#frame.subarray();
    bytes.copy = (target, ...range) => {
      if (Buffer.isBuffer(target)) this.#copy = target;
      return this.#frame.copy(target, ...range);
    };
    return bytes;
  }

  /** The transport has written the copy. */
  written(): void {
    const copy = this.#copy;
    this.#copy = undefined;
    // Small ones lie in the pool that all buffers share.
    if (copy === undefined || copy.byteLength !== copy.buffer.byteLength) return;
    if (copy.buffer instanceof ArrayBuffer) copy.buffer.transfer(0);
  }
}
