import { HandlerRun } from "../../data-plane/http/handler-run.ts";
import { HeaderList } from "../../data-plane/http/header-list.ts";
import type {
  ForwardTarget,
  HandlerCell,
  HttpExchange,
  ResponseHead,
  ResponseHeadEdit,
} from "../../data-plane/http/http-exchange.ts";
import { normalisePath, routingPathOf } from "../../data-plane/http/request-path.ts";
import type { RequestCounters } from "../../data-plane/metrics/request-counters.ts";

export interface RecordedRequest {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly peerAddress?: string;
  readonly isTls?: boolean;
  readonly tlsOptions?: string;
}

/** An exchange without an engine: handlers run as in one, what they did can be looked at. */
export class RecordedExchange implements HttpExchange {
  readonly method: string;
  readonly host: string;
  routingPath: string;
  path: string;
  readonly query: string;
  readonly requestHeaders = new HeaderList();
  requestHost: string;
  readonly peerAddress: string;
  readonly isTls: boolean;
  readonly tlsOptions: string;
  appendsForwardedFor = true;
  routerCounters: RequestCounters | undefined;
  readonly outerRouterCounters: RequestCounters[] = [];
  serviceCounters: RequestCounters | undefined;
  answer: { readonly status: number; readonly body: string } | undefined;
  /** Of the answer. */
  readonly answerHeaders = new HeaderList();
  forwardedTo: ForwardTarget | undefined;
  isOpen = true;
  readonly #run = new HandlerRun();
  readonly #edits: ResponseHeadEdit[] = [];

  constructor(request: RecordedRequest = {}) {
    const { method = "GET", host = "a.test", path = "/", query = "", headers = [] } = request;
    this.method = method;
    this.host = host;
    this.path = normalisePath(path) ?? path;
    this.routingPath = routingPathOf(this.path);
    this.query = query;
    this.requestHost = host;
    this.peerAddress = request.peerAddress ?? "127.0.0.1";
    this.isTls = request.isTls ?? false;
    this.tlsOptions = request.tlsOptions ?? "";
    for (const [name, value] of headers) this.requestHeaders.append(name, value);
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
    this.#run.take()?.handle(this);
  }

  respond(
    status: number,
    body: string,
    headers: readonly (readonly [string, string])[] = [],
  ): void {
    this.answer = { status, body };
    for (const [name, value] of headers) this.answerHeaders.append(name, value);
  }

  addResponseEdit(edit: ResponseHeadEdit): void {
    this.#edits.unshift(edit);
  }

  forwardTo(target: ForwardTarget): void {
    this.forwardedTo = target;
  }

  /** The head as the edits leave it. */
  editedHead(status: number, headers: readonly (readonly [string, string])[]): ResponseHead {
    const head: ResponseHead = { status, headers: new HeaderList() };
    for (const [name, value] of headers) head.headers.append(name, value);
    for (const edit of this.#edits) edit.editResponseHead(head, this);
    return head;
  }
}

/** By canonical name, as Go prints headers. */
export function headerMap(headers: HeaderList): Record<string, string[]> {
  const map: Record<string, string[]> = {};
  for (let i = 0; i < headers.length; i += 1) {
    const name = headers.lowerNameAt(i).replace(/(^|-)[a-z]/g, (initial) => initial.toUpperCase());
    const values = map[name] ?? [];
    values.push(headers.valueAt(i));
    map[name] = values;
  }
  return map;
}
