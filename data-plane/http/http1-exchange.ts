/**
 * One request and its response on an HTTP/1.1 connection: runs the handlers, frames the response, counts. One object
 * per connection, used for one request after another.
 */
import type { Logger } from "../../foundation/log.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import { isValidHost } from "./canonical-host.ts";
import { HandlerRun } from "./handler-run.ts";
import { HeaderList } from "./header-list.ts";
import type {
  ForwardedExchange,
  ForwardTarget,
  HandlerCell,
  RequestSink,
  ResponseFraming,
  ResponseHead,
  ResponseHeadEdit,
  TunnelEnd,
} from "./http-exchange.ts";
import { headerId } from "./known-header.ts";
import { RequestHead } from "./parse-request-head.ts";
import { sendablePath } from "./request-path.ts";
import { statusLine } from "./status-line.ts";
import { statusText } from "./status-text.ts";

/** What the exchange asks of the connection it is on. */
export interface ExchangeConnection {
  readonly handler: HandlerCell;
  readonly counters: RequestCounters;
  readonly log: Logger;
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

export class Http1Exchange implements ForwardedExchange {
  method = "";
  host = "";
  routingPath = "/";
  path = "/";
  query = "";
  requestHost = "";
  readonly peerAddress: string;
  readonly isTls: boolean;
  readonly tlsOptions: string;
  readonly requestHeaders = new HeaderList();
  routerCounters: RequestCounters | undefined;
  readonly outerRouterCounters: RequestCounters[] = [];
  serviceCounters: RequestCounters | undefined;
  requestFraming: "none" | "length" | "chunked" = "none";
  requestLength = 0;
  upgradeProtocol = "";
  appendsForwardedFor: boolean = true;

  /** What the parser fills in. */
  readonly head = new RequestHead();
  /** As parsed: what handlers changed must be checked before it is sent. */
  parsedPath = "/";
  /** Whether path and query are still those of the request line. */
  isTargetAsSent: boolean = false;
  sink: RequestSink | undefined;

  readonly #connection: ExchangeConnection;
  readonly #run = new HandlerRun();
  readonly #edits: ResponseHeadEdit[] = [];
  readonly #localHead = { status: 0, headers: new HeaderList() };
  #startedMs = 0;
  #isOpen: boolean = false;
  #hasBegun: boolean = false;
  #status = 0;
  #framing: ResponseFraming = "none";
  #held = "";

  /** `tlsOptions`: "" without TLS. */
  constructor(connection: ExchangeConnection, peerAddress: string, tlsOptions: string) {
    this.#connection = connection;
    this.peerAddress = peerAddress;
    this.isTls = tlsOptions !== "";
    this.tlsOptions = tlsOptions;
  }

  get acceptsTrailers(): boolean {
    return this.head.acceptsTrailers;
  }

  get hasBegunResponse(): boolean {
    return this.#hasBegun;
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#hasBegun;
  }

  get unchangedRequestLine(): string {
    const isUnchanged = this.isTargetAsSent && this.path === this.parsedPath;
    return isUnchanged ? this.head.text.slice(0, this.head.lineEnd) : "";
  }

  get sendablePath(): string {
    return this.path === this.parsedPath ? this.path : sendablePath(this.path);
  }

  get sendableHost(): string {
    if (this.requestHost === this.head.host || isValidHost(this.requestHost))
      return this.requestHost;
    throw new Error(`Cannot send Host ${JSON.stringify(this.requestHost)}: it is malformed`);
  }

  /** Before any handler, or a local answer of the connection itself. */
  open(startedMs: number): void {
    this.#startedMs = startedMs;
    this.#isOpen = true;
    this.#hasBegun = false;
    this.#status = 0;
    this.#held = "";
    this.#edits.length = 0;
    this.#run.reset();
    this.sink = undefined;
    this.routerCounters = undefined;
    if (this.outerRouterCounters.length > 0) this.outerRouterCounters.length = 0;
    this.serviceCounters = undefined;
  }

  handle(): void {
    try {
      this.#connection.handler.current.handle(this);
    } catch (error) {
      this.#handlerThrew(error);
    }
  }

  enter(middlewares: readonly HandlerCell[], service: HandlerCell): void {
    this.#run.enter(middlewares, service);
  }

  run(middlewares: readonly HandlerCell[], service: HandlerCell): void {
    this.#run.enter(middlewares, service);
    this.next();
  }

  runThenNext(middlewares: readonly HandlerCell[]): void {
    this.#run.enter(middlewares, undefined);
    this.next();
  }

  next(): void {
    const handler = this.#run.take();
    try {
      if (handler === undefined) throw new Error("Cannot call next: no handler is left");
      handler.handle(this);
    } catch (error) {
      this.#handlerThrew(error);
    }
  }

  addResponseEdit(edit: ResponseHeadEdit): void {
    this.#edits.push(edit);
  }

  respond(status: number, body: string, headers?: readonly (readonly [string, string])[]): void {
    if (this.#hasBegun || !this.#isOpen) throw new Error("Cannot respond: the response has begun");
    const head = this.#localHead;
    head.status = status;
    head.headers.clear();
    for (const [name, value] of headers ?? []) head.headers.append(name, value);
    if (body !== "" && !head.headers.has("content-type")) {
      head.headers.append("Content-Type", "text/plain; charset=utf-8");
    }
    if (!this.#editHead(head)) return;
    const bytes = Buffer.from(body, "utf8");
    this.#begin(head, "", "length", bytes.length);
    this.responseData(bytes, 0, bytes.length);
    this.endResponse(undefined);
  }

  fail(status: number): void {
    if (!this.#isOpen) return;
    if (this.#hasBegun) this.#connection.destroy();
    else this.respond(status, statusText(status));
  }

  forwardTo(target: ForwardTarget): void {
    target.begin(this);
  }

  attachSink(sink: RequestSink): void {
    this.sink = sink;
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

  beginResponse(
    head: ResponseHead,
    reason: string,
    framing: ResponseFraming,
    length: number,
  ): void {
    if (this.#editHead(head)) this.#begin(head, reason, framing, length);
  }

  /** False when an edit threw: the client then got its 500, and the upstream was let go. */
  #editHead(head: ResponseHead): boolean {
    try {
      for (let index = this.#edits.length - 1; index >= 0; index -= 1) {
        this.#edits[index]?.editResponseHead(head, this);
      }
      return true;
    } catch (error) {
      this.#edits.length = 0;
      this.#handlerThrew(error);
      return false;
    }
  }

  #begin(head: ResponseHead, reason: string, framing: ResponseFraming, length: number): void {
    this.#hasBegun = true;
    this.#status = head.status;
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

  endResponse(trailers: HeaderList | undefined): void {
    if (this.#framing === "chunked") {
      this.#held += trailers === undefined ? "0\r\n\r\n" : `0\r\n${trailers.lines("")}\r\n`;
    }
    if (this.#held !== "") this.#connection.write(this.#held);
    this.#held = "";
    this.#close(this.#status);
    this.#connection.responseEnded();
  }

  flushResponse(): boolean {
    const held = this.#held;
    this.#held = "";
    return this.#connection.write(held);
  }

  switchProtocols(head: ResponseHead, reason: string, upstream: TunnelEnd): TunnelEnd {
    this.#hasBegun = true;
    const upgrade = head.headers.get("upgrade") ?? this.upgradeProtocol;
    const lines = `${head.headers.lines("")}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
    this.#connection.write(`${statusLine(head.status, reason)}${lines}\r\n`);
    this.#close(head.status);
    return this.#connection.beginTunnel(upstream);
  }

  /** The connection is gone, or its request cannot be read on. */
  abandon(): void {
    if (!this.#isOpen) return;
    const { sink } = this;
    this.#close(this.#hasBegun ? this.#status : 499);
    sink?.abort();
  }

  /** The request's body turned out malformed or too slow: the upstream is let go, the client told if it still can be. */
  refuse(status: number): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.abort();
    this.head.wantsClose = true;
    this.fail(status);
  }

  #handlerThrew(error: unknown): void {
    this.#connection.log.error("handler threw", { path: this.path, error });
    const { sink } = this;
    this.sink = undefined;
    sink?.abort();
    this.fail(500);
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

  #close(status: number): void {
    this.#isOpen = false;
    this.sink = undefined;
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    this.#connection.counters.record(this.method, status, seconds);
    this.routerCounters?.record(this.method, status, seconds);
    for (const counters of this.outerRouterCounters) counters.record(this.method, status, seconds);
    this.serviceCounters?.record(this.method, status, seconds);
  }
}
