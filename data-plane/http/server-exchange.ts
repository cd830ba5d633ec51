/**
 * One request and its response on the server's side, whatever protocol carries it: runs the handlers, lets edits at the
 * response's head, counts. How the response looks on the wire is its subclass's. An object may be used for one request
 * after another.
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
import { RequestHead } from "./parse-request-head.ts";
import { sendablePath } from "./request-path.ts";
import { statusText } from "./status-text.ts";

/** What an exchange asks of the connection it is on, whatever its protocol. */
export interface ExchangeOwner {
  readonly handler: HandlerCell;
  readonly counters: RequestCounters;
  readonly log: Logger;
}

export abstract class ServerExchange implements ForwardedExchange {
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

  readonly #owner: ExchangeOwner;
  readonly #run = new HandlerRun();
  readonly #edits: ResponseHeadEdit[] = [];
  readonly #localHead = { status: 0, headers: new HeaderList() };
  #startedMs = 0;
  #isOpen: boolean = false;
  #hasBegun: boolean = false;
  #status = 0;

  /** `tlsOptions`: "" without TLS. */
  constructor(owner: ExchangeOwner, peerAddress: string, tlsOptions: string) {
    this.#owner = owner;
    this.peerAddress = peerAddress;
    this.isTls = tlsOptions !== "";
    this.tlsOptions = tlsOptions;
  }

  abstract startRequest(): void;
  abstract resumeRequest(): void;
  abstract informationalResponse(head: ResponseHead, reason: string): void;
  abstract responseData(bytes: Buffer, start: number, end: number): void;
  abstract flushResponse(): boolean;
  abstract switchProtocols(head: ResponseHead, reason: string, upstream: TunnelEnd): TunnelEnd;
  /** The response's head, edited; `length` counts for framing "length" only. */
  protected abstract sendHead(
    head: ResponseHead,
    reason: string,
    framing: ResponseFraming,
    length: number,
  ): void;
  /** What ends the response on the wire. */
  protected abstract sendEnd(trailers: HeaderList | undefined): void;
  /** After it has been counted. */
  protected abstract ended(): void;
  /** The response has begun and cannot be finished. */
  protected abstract breakOff(): void;
  /** The client is to be told that nothing more of its request is read. */
  protected abstract stopReading(): void;

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
    this.#edits.length = 0;
    this.#run.reset();
    this.sink = undefined;
    this.routerCounters = undefined;
    if (this.outerRouterCounters.length > 0) this.outerRouterCounters.length = 0;
    this.serviceCounters = undefined;
  }

  handle(): void {
    try {
      this.#owner.handler.current.handle(this);
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
    if (this.#hasBegun) this.breakOff();
    else this.respond(status, statusText(status));
  }

  forwardTo(target: ForwardTarget): void {
    target.begin(this);
  }

  attachSink(sink: RequestSink): void {
    this.sink = sink;
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
    this.sendHead(head, reason, framing, length);
  }

  endResponse(trailers: HeaderList | undefined): void {
    this.sendEnd(trailers);
    this.#close(this.#status);
    this.ended();
  }

  /** Counts a response that ends this exchange by taking its connection over. */
  protected takenOver(status: number): void {
    this.#hasBegun = true;
    this.#close(status);
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
    this.stopReading();
    this.fail(status);
  }

  #handlerThrew(error: unknown): void {
    this.#owner.log.error("handler threw", { path: this.path, error });
    const { sink } = this;
    this.sink = undefined;
    sink?.abort();
    this.fail(500);
  }

  #close(status: number): void {
    this.#isOpen = false;
    this.sink = undefined;
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    this.#owner.counters.record(this.method, status, seconds);
    this.routerCounters?.record(this.method, status, seconds);
    for (const counters of this.outerRouterCounters) counters.record(this.method, status, seconds);
    this.serviceCounters?.record(this.method, status, seconds);
  }
}
