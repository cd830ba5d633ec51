/**
 * One request and its response on the way through a data plane, whatever protocol carries it: what routing, middlewares
 * and services see of the engine. One object per exchange, or one per connection used again: nobody keeps it after the
 * response has ended.
 *
 * Everything is prepared by the engine (data-plane/http/http1-*.ts) before the first handler sees it: nothing here is
 * parsed twice.
 */
import type { RequestCounters } from "../metrics/request-counters.ts";
import type { HeaderList } from "./header-list.ts";

export interface HttpHandler {
  /** Answers, or calls `exchange.next()`, now or later. A throw costs this request only (500). */
  handle(exchange: HttpExchange): void;
}

/** Runs on the response's head just before it is sent; an instance is made once, at build time. */
export interface ResponseHeadEdit {
  editResponseHead(head: ResponseHead, exchange: HttpExchange): void;
}

export interface ResponseHead {
  status: number;
  readonly headers: HeaderList;
}

/** Handlers run one after another; `service` is last. Both are read when the exchange gets there: late binding. */
export interface HandlerCell {
  readonly current: HttpHandler;
}

export interface HttpExchange {
  /** As sent; methods are case-sensitive. */
  readonly method: string;
  /** Canonical: lower case, no port, no trailing dot, IPv6 without brackets; "" when there is none. */
  readonly host: string;
  /** What `Path*` matchers see: percent-escapes decoded except the reserved ones (features.md §2). Starts with "/". */
  routingPath: string;
  /** The normalised escaped path that goes upstream. Starts with "/". A handler that sets it sets `routingPath` too. */
  path: string;
  /** Raw query with its leading "?", or "". */
  readonly query: string;
  /** What goes upstream; hop-by-hop headers are taken out by the engine, not by handlers. */
  readonly requestHeaders: HeaderList;
  /** The Host that goes upstream when the service passes it on; a `Host` edit of a middleware sets it. */
  requestHost: string;
  /** Address of the peer, as text without zone. */
  readonly peerAddress: string;
  readonly isTls: boolean;
  /** Those its connection was made with; "" without TLS. */
  readonly tlsOptions: string;
  /** Whether the peer's address is to be appended to X-Forwarded-For; a middleware that deletes that header says no. */
  appendsForwardedFor: boolean;
  /** False: it has been answered, or the client is gone. Who answers later looks before it does. */
  readonly isOpen: boolean;
  /** Set by the router that was chosen; read by the counters. */
  routerCounters: RequestCounters | undefined;
  /** Of the parents of that router, the root first. */
  readonly outerRouterCounters: RequestCounters[];
  serviceCounters: RequestCounters | undefined;

  /** What `next` goes to from here on: the handlers of `middlewares`, then `service`. */
  enter(middlewares: readonly HandlerCell[], service: HandlerCell): void;
  /** Runs the handlers of `middlewares` in order, then `service`. Nested calls (chains) return to the outer list. */
  run(middlewares: readonly HandlerCell[], service: HandlerCell): void;
  /** Runs the handlers of `middlewares`, then whatever comes after the handler that called this. */
  runThenNext(middlewares: readonly HandlerCell[]): void;
  /** On to the next handler. */
  next(): void;

  /** A local answer. `body` is sent as `text/plain; charset=utf-8` unless `headers` says otherwise. */
  respond(status: number, body: string, headers?: readonly (readonly [string, string])[]): void;
  /** The edits run last added first, as nested handlers would. */
  addResponseEdit(edit: ResponseHeadEdit): void;
  /** Lets an upstream answer. What a service does last; `UpstreamServer.forward` calls it. */
  forwardTo(target: ForwardTarget): void;
}

/** Where a request can be forwarded to. */
export interface ForwardTarget {
  /** Sends the request and answers it through `exchange`, always: with a response, or with `fail`. */
  begin(exchange: ForwardedExchange): void;
}

/**
 * How an upstream sees an exchange: the request's body flows out of it into a `RequestSink`, the response flows back in.
 * Both directions are held back by their reader: `flush...` answers whether more may come, `resume...` says when.
 */
export interface ForwardedExchange extends HttpExchange {
  readonly requestFraming: "none" | "length" | "chunked";
  /** Of a body framed by length. */
  readonly requestLength: number;
  /** The client said `TE: trailers`. */
  readonly acceptsTrailers: boolean;
  /** The protocol the client wants to change to, or "". */
  readonly upgradeProtocol: string;
  /** The request line as the client sent it, with CRLF, if that is how it goes upstream; else "". */
  readonly unchangedRequestLine: string;
  /** `path`, safe to be written into a request line whatever handlers made of it. */
  readonly sendablePath: string;
  /** `requestHost`, likewise; "" when the client named none. */
  readonly sendableHost: string;

  /** From here on `sink` is told when the client goes away or is ready to take more of the response. */
  attachSink(sink: RequestSink): void;
  /** Lets the request's body flow into the sink, now that it can be sent. */
  startRequest(): void;
  resumeRequest(): void;

  informationalResponse(head: ResponseHead, reason: string): void;
  /** `length` counts for framing "length" only. */
  beginResponse(head: ResponseHead, reason: string, framing: ResponseFraming, length: number): void;
  /** `bytes` may be overwritten after the call. */
  responseData(bytes: Buffer, start: number, end: number): void;
  endResponse(trailers: HeaderList | undefined): void;
  /** Sends what is held. False: wait for `resumeResponse`. */
  flushResponse(): boolean;
  /** After a 101: bytes go to and fro as they are from then on. Returns the client's end. */
  switchProtocols(head: ResponseHead, reason: string, upstream: TunnelEnd): TunnelEnd;
  /** A local answer with that status, or the end of the connection when the response has begun. */
  fail(status: number): void;
}

/** "none": this response has no body whatever its headers say (HEAD, 204, 304). */
export type ResponseFraming = "none" | "length" | "chunked" | "untilClose";

/** The upstream as the client's side sees it. */
export interface RequestSink {
  /** `bytes` may be overwritten after the call. */
  requestData(bytes: Buffer, start: number, end: number): void;
  requestEnd(trailers: HeaderList | undefined): void;
  /** Sends what is held. False: wait for `resumeRequest`. */
  flushRequest(): boolean;
  resumeResponse(): void;
  /** The client is gone, or its request turned out malformed: nothing of the exchange is used any more. */
  abort(): void;
}

/** One of the two sides of a connection that has changed its protocol, as the other side sees it. */
export interface TunnelEnd {
  /** `bytes` may be overwritten after the call. False: wait for `resumeTunnel` before sending more. */
  sendTunnel(bytes: Buffer): boolean;
  /** The other side has sent everything. */
  endTunnel(): void;
  resumeTunnel(): void;
  /** The other side is gone. */
  closeTunnel(): void;
}
