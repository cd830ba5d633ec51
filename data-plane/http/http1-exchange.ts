/** One request and its response on an HTTP/1.1 connection: frames the response. One object per connection. */
import type { HeaderList } from "./header-list.ts";
import type { ResponseFraming, ResponseHead, TunnelEnd } from "./http-exchange.ts";
import { headerId } from "./known-header.ts";
import { type ExchangeOwner, ServerExchange } from "./server-exchange.ts";
import { statusLine } from "./status-line.ts";

/** What the exchange asks of the connection it is on. */
export interface ExchangeConnection extends ExchangeOwner {
  readonly httpDate: string;
  /** Decides, as the response begins, whether the connection ends with it. */
  closesAfterResponse(): boolean;
  /** False: wait for `resumeResponse` before writing more. */
  write(text: string): boolean;
  writeBytes(before: string, bytes: Buffer, after: string): boolean;
  /** Someone reads the request's body now. */
  startRequestBody(): void;
  resumeRequestBody(): void;
  responseEnded(): void;
  beginTunnel(upstream: TunnelEnd): TunnelEnd;
  destroy(): void;
}

/** Bodies up to this size are joined with what goes before them into one write. */
const joinedBytes = 8_192;

export class Http1Exchange extends ServerExchange {
  readonly #connection: ExchangeConnection;
  #framing: ResponseFraming = "none";
  #held = "";

  /** `tlsOptions`: "" without TLS. */
  constructor(connection: ExchangeConnection, peerAddress: string, tlsOptions: string) {
    super(connection, peerAddress, tlsOptions);
    this.#connection = connection;
  }

  startRequest(): void {
    if (this.requestFraming !== "none") this.#connection.startRequestBody();
  }

  resumeRequest(): void {
    this.#connection.resumeRequestBody();
  }

  informationalResponse(head: ResponseHead, reason: string): void {
    if (this.head.minorVersion === 0) return;
    this.#connection.write(`${statusLine(head.status, reason)}${head.headers.lines("")}\r\n`);
  }

  protected override sendHead(
    head: ResponseHead,
    reason: string,
    framing: ResponseFraming,
    length: number,
  ): void {
    this.#framing = this.#framingFor(head.status, framing);
    let text = statusLine(head.status, reason) + head.headers.lines("");
    if (!head.headers.hasId(headerId.date)) text += `Date: ${this.#connection.httpDate}\r\n`;
    text += this.#framingLine(head, framing, length);
    if (this.#framing === "untilClose") this.head.wantsClose = true;
    if (this.#connection.closesAfterResponse()) text += "Connection: close\r\n";
    else if (this.head.minorVersion === 0) text += "Connection: keep-alive\r\n";
    this.#held = `${text}\r\n`;
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#framing === "none" || length === 0) return;
    const isChunked = this.#framing === "chunked";
    const before = isChunked ? `${length.toString(16)}\r\n` : "";
    const after = isChunked ? "\r\n" : "";
    if (this.#held.length + length <= joinedBytes) {
      this.#held += before + bytes.toString("latin1", start, end) + after;
      return;
    }
    const held = this.#held + before;
    this.#held = "";
    this.#connection.writeBytes(held, Buffer.from(bytes.subarray(start, end)), after);
  }

  protected override sendEnd(trailers: HeaderList | undefined): void {
    if (this.#framing === "chunked") {
      this.#held += trailers === undefined ? "0\r\n\r\n" : `0\r\n${trailers.lines("")}\r\n`;
    }
    if (this.#held !== "") this.#connection.write(this.#held);
    this.#held = "";
  }

  protected override ended(): void {
    this.#connection.responseEnded();
  }

  flushResponse(): boolean {
    const held = this.#held;
    this.#held = "";
    return this.#connection.write(held);
  }

  switchProtocols(head: ResponseHead, reason: string, upstream: TunnelEnd): TunnelEnd {
    const upgrade = head.headers.get("upgrade") ?? this.upgradeProtocol;
    const lines = `${head.headers.lines("")}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
    this.#connection.write(`${statusLine(head.status, reason)}${lines}\r\n`);
    this.takenOver(head.status);
    return this.#connection.beginTunnel(upstream);
  }

  protected override breakOff(): void {
    this.#connection.destroy();
  }

  protected override stopReading(): void {
    this.head.wantsClose = true;
  }

  #framingFor(status: number, framing: ResponseFraming): ResponseFraming {
    if (this.method === "HEAD" || status === 204 || status === 304) return "none";
    return framing === "chunked" && this.head.minorVersion === 0 ? "untilClose" : framing;
  }

  #framingLine(head: ResponseHead, framing: ResponseFraming, length: number): string {
    if (this.#framing === "length") return `Content-Length: ${length}\r\n`;
    if (this.#framing === "chunked") return "Transfer-Encoding: chunked\r\n";
    if (this.#framing === "untilClose" || head.status === 204) return "";
    // Answers to HEAD, and 304: the length a body would have had, where it is known.
    if (framing === "length") return `Content-Length: ${length}\r\n`;
    const known = head.headers.get("content-length");
    return known === undefined ? "" : `Content-Length: ${known}\r\n`;
  }
}
