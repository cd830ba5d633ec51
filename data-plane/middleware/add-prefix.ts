import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { routingPathOf, sendablePath } from "../http/request-path.ts";

/** Prepends to both forms of the path; a missing leading slash is added. */
export class AddPrefix implements HttpHandler {
  readonly #prefix: string;
  readonly #routingPrefix: string;

  constructor(prefix: string) {
    this.#prefix = sendablePath(prefix);
    this.#routingPrefix = routingPathOf(this.#prefix);
  }

  handle(exchange: HttpExchange): void {
    exchange.path = this.#prefix + exchange.path;
    exchange.routingPath = this.#routingPrefix + exchange.routingPath;
    exchange.next();
  }
}
