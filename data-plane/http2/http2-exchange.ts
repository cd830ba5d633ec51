/**
 * One request and its response on a stream of an HTTP/2 connection. An object is used for another stream once its response
 * has ended, and not where it broke off: somebody may still mean to answer then.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import { type DeadlineHolder, noDeadline } from "../connection/deadline-sweeper.ts";
import { HeaderList } from "../http/header-list.ts";
import type { ResponseFraming, ResponseHead, TunnelEnd } from "../http/http-exchange.ts";
import { headerId, isSentByEngine } from "../http/known-header.ts";
import { parseTrailers } from "../http/parse-trailers.ts";
import { type ExchangeOwner, ServerExchange } from "../http/server-exchange.ts";

/** What the exchange asks of the connection its stream is on. */
export interface StreamOwner extends ExchangeOwner {
  readonly httpDate: string;
  deadlineAfter(afterMs: number): number;
  readonly writeTimeoutMs: number;
  /** `isReusable`: nobody has to do with it any more. */
  streamClosed(exchange: Http2Exchange, isReusable: boolean): void;
}

export class Http2Exchange extends ServerExchange implements DeadlineHolder {
  deadlineMs = noDeadline;
  readonly #owner: StreamOwner;
  #stream: ServerHttp2Stream;
  #isRequestDone: boolean = false;
  #hasEnded: boolean = false;
  #trailers: HeaderList | undefined;
  #isHeadOnly: boolean = false;
  #mayHaveTrailers: boolean = false;
  #held: Buffer | undefined;

  /** `tlsOptions`: "" without TLS. */
  constructor(
    owner: StreamOwner,
    stream: ServerHttp2Stream,
    { peerAddress, tlsOptions }: { readonly peerAddress: string; readonly tlsOptions: string },
  ) {
    super(owner, peerAddress, tlsOptions);
    this.#owner = owner;
    this.#stream = stream;
  }

  /** Before anything else of a request. */
  take(stream: ServerHttp2Stream): void {
    this.#stream = stream;
    this.#isRequestDone = stream.endAfterHeaders;
    this.#hasEnded = false;
    this.#trailers = undefined;
    this.#isHeadOnly = false;
    this.#held = undefined;
    stream.on("error", ignore); // "close" follows
    stream.on("close", () => this.#closed());
  }

  /** The head has been parsed: how its body comes is told by the stream, not by a field. */
  frameRequest(): void {
    const { contentLength } = this.head;
    this.requestLength = contentLength;
    if (this.#isRequestDone) {
      this.requestFraming = "none";
      return;
    }
    this.requestFraming = contentLength === -1 ? "chunked" : "length";
    // The body waits until somebody reads it, its trailers do not.
    this.#stream.once("trailers", (_headers: object, _flags: number, fields: string[]) => {
      this.#receiveTrailers(fields);
    });
  }

  startRequest(): void {
    const stream = this.#stream;
    if (this.head.expectsContinue && !stream.closed) stream.additionalHeaders({ ":status": 100 });
    stream.on("data", (bytes: Buffer) => this.#receive(bytes));
    stream.on("end", () => {
      // Trailers that came with the end are told a tick after it.
      process.nextTick(() => {
        if (this.#stream === stream) this.#requestEnded();
      });
    });
  }

  resumeRequest(): void {
    this.#stream.resume();
  }

  #receive(bytes: Buffer): void {
    const { sink } = this;
    if (sink === undefined) return; // answered already
    sink.requestData(bytes, 0, bytes.length);
    if (!sink.flushRequest()) this.#stream.pause();
  }

  #receiveTrailers(fields: readonly string[]): void {
    let lines = "";
    for (let index = 0; index + 1 < fields.length; index += 2) {
      lines += `${fields[index]}: ${fields[index + 1]}\r\n`;
    }
    const trailers = new HeaderList();
    if (parseTrailers(lines, trailers)) this.#trailers = trailers;
    else if (this.isOpen) this.refuse(400);
  }

  #requestEnded(): void {
    if (this.#isRequestDone) return;
    this.#isRequestDone = true;
    this.deadlineMs = this.#owner.deadlineAfter(this.#owner.writeTimeoutMs);
    this.sink?.requestEnd(this.#trailers);
  }

  informationalResponse(head: ResponseHead): void {
    if (this.#stream.closed || this.#stream.headersSent) return;
    const headers: Record<string, string | number> = { ":status": head.status };
    const fields = this.#fieldsOf(head);
    for (let index = 0; index + 1 < fields.length; index += 2) {
      headers[fields[index] ?? ""] = fields[index + 1] ?? "";
    }
    this.#stream.additionalHeaders(headers);
  }

  protected override sendHead(
    head: ResponseHead,
    _reason: string,
    framing: ResponseFraming,
    length: number,
  ): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    const { status, headers } = head;
    const fields = [":status", `${status}`, ...this.#fieldsOf(head)];
    if (!headers.hasId(headerId.date)) fields.push("date", this.#owner.httpDate);
    const hasNoBody = this.method === "HEAD" || status === 204 || status === 304;
    if (framing === "length" && status !== 204) fields.push("content-length", `${length}`);
    else if (hasNoBody && status !== 204) {
      // Answers to HEAD, and 304: the length a body would have had, where it is known.
      const known = headers.get("content-length");
      if (known !== undefined) fields.push("content-length", known);
    }
    this.#isHeadOnly = hasNoBody || (framing === "length" && length === 0);
    this.#mayHaveTrailers = !this.#isHeadOnly && framing === "chunked";
    stream.respond(fields, {
      endStream: this.#isHeadOnly,
      waitForTrailers: this.#mayHaveTrailers,
    });
  }

  /** Names and values in turn, without what belongs to a connection. */
  #fieldsOf({ headers }: ResponseHead): string[] {
    const fields: string[] = [];
    for (let index = 0; index < headers.length; index += 1) {
      if (isSentByEngine[headers.idAt(index)] === 1) continue;
      fields.push(headers.lowerNameAt(index), headers.valueAt(index));
    }
    return fields;
  }

  /** One chunk is held back: the last one is sent together with the end. */
  responseData(bytes: Buffer, start: number, end: number): void {
    if (this.#isHeadOnly || start === end) return;
    const before = this.#held;
    this.#held = Buffer.from(bytes.subarray(start, end));
    if (before !== undefined) this.#stream.write(before);
  }

  flushResponse(): boolean {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#stream.write(held);
    if (!this.#stream.writableNeedDrain) return true;
    this.#stream.once("drain", () => this.sink?.resumeResponse());
    return false;
  }

  protected override sendEnd(trailers: HeaderList | undefined): void {
    const stream = this.#stream;
    if (this.#isHeadOnly || stream.destroyed) return;
    if (this.#mayHaveTrailers) {
      stream.once("wantTrailers", () => stream.sendTrailers(headersOf(trailers)));
    }
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) stream.end();
    else stream.end(held);
  }

  protected override ended(): void {
    this.#hasEnded = true;
    if (this.#isRequestDone) return;
    // Nobody reads on: the client is told, once it has its answer (RFC 9113 §8.1).
    const stream = this.#stream;
    this.#isRequestDone = true;
    if (stream.writableFinished) stream.close(constants.NGHTTP2_NO_ERROR);
    else stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  switchProtocols(): TunnelEnd {
    throw new Error("Cannot switch protocols: HTTP/2 has no upgrades");
  }

  protected override breakOff(): void {
    // `close` would end the body first, and half of one would pass for a whole.
    this.#stream.destroy(new Error("The response cannot be finished"));
  }

  protected override stopReading(): void {
    this.#stream.pause();
  }

  deadlinePassed(): void {
    if (!this.#isRequestDone) this.refuse(408);
    else this.breakOff();
  }

  #closed(): void {
    this.abandon();
    this.#owner.streamClosed(this, this.#hasEnded);
  }
}

function headersOf(trailers: HeaderList | undefined): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index < (trailers?.length ?? 0); index += 1) {
    const name = trailers?.lowerNameAt(index) ?? "";
    const values = headers[name] ?? [];
    values.push(trailers?.valueAt(index) ?? "");
    headers[name] = values;
  }
  return headers;
}

function ignore(): void {}
