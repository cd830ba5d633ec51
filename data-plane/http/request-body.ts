import { type BodyReceiver, ChunkedDecoder } from "./chunked-decoder.ts";
import type { HeaderList } from "./header-list.ts";
import type { RequestHead } from "./parse-request-head.ts";

/** How much of a request's body is still to come, one request after another. */
export class RequestBody {
  framing: "none" | "length" | "chunked" = "none";
  /** Everything of it has been read. */
  isDone: boolean = true;
  /** Someone takes it, if only to throw it away; until then it stays where it is. */
  isWanted: boolean = false;
  /** Of a body framed by length. */
  remaining = 0;
  #chunked: ChunkedDecoder | undefined;

  begin({ contentLength, isChunked }: RequestHead): void {
    this.isWanted = false;
    this.isDone = contentLength <= 0 && !isChunked;
    this.remaining = Math.max(0, contentLength);
    // `Content-Length: 0` says that there is a body and that it is empty: it travels on.
    this.framing = contentLength >= 0 ? "length" : "none";
    if (!isChunked) return;
    this.framing = "chunked";
    this.#chunked ??= new ChunkedDecoder();
    this.#chunked.reset();
  }

  get trailers(): HeaderList | undefined {
    return this.framing === "chunked" ? this.#chunked?.trailers : undefined;
  }

  /** Nothing more is read of it. */
  giveUp(): void {
    this.isDone = true;
  }

  /** Hands on what belongs to the body; returns the index after it, or -1 when its coding is broken. */
  read(bytes: Buffer, start: number, receiver: BodyReceiver): number {
    if (this.framing === "chunked" && this.#chunked !== undefined) {
      const used = this.#chunked.decode(bytes, start, bytes.length, receiver);
      this.isDone = used === -1 || this.#chunked.isDone;
      return used;
    }
    const end = Math.min(bytes.length, start + this.remaining);
    this.remaining -= end - start;
    receiver.bodyData(bytes, start, end);
    this.isDone = this.remaining === 0;
    return end;
  }
}
