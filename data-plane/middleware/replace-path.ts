import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { hasMalformedEscape, routingPathOf, sendablePath } from "../http/request-path.ts";

/** Puts another path in place of the request's, which it names in `X-Replaced-Path`. */
export class ReplacePath implements HttpHandler {
  readonly #path: string;
  readonly #routingPath: string;
  readonly #isMalformed: boolean;

  constructor(path: string) {
    this.#path = sendablePath(path);
    this.#routingPath = routingPathOf(this.#path);
    this.#isMalformed = hasMalformedEscape(path);
  }

  handle(exchange: HttpExchange): void {
    if (this.#isMalformed) {
      exchange.respond(500, "Internal Server Error");
      return;
    }
    exchange.requestHeaders.append("X-Replaced-Path", exchange.path);
    exchange.path = this.#path;
    exchange.routingPath = this.#routingPath;
    exchange.next();
  }
}
