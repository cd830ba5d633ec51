import { DeniedCharacters } from "../http/denied-characters.ts";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";

/** Refuses paths that hold certain characters percent-encoded. */
export class EncodedCharacters implements HttpHandler {
  readonly #denied: DeniedCharacters;

  constructor(denied: string) {
    this.#denied = new DeniedCharacters(denied);
  }

  handle(exchange: HttpExchange): void {
    if (this.#denied.areIn(exchange.path)) exchange.respond(400, "Bad Request");
    else exchange.next();
  }
}
