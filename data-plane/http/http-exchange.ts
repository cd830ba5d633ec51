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
  /** Set by the router that was chosen; read by the counters. */
  routerCounters: RequestCounters | undefined;
  serviceCounters: RequestCounters | undefined;

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
}
