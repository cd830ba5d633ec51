import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import type { HttpRouter } from "./http-router.ts";
import { notFound } from "./not-found.ts";
import type { RoutingIndex } from "./routing-index.ts";

/** The HTTP side of an entry point: the router that wins, or 404. */
export class RoutedHandler implements HttpHandler {
  readonly #index: RoutingIndex<HttpRouter>;

  constructor(index: RoutingIndex<HttpRouter>) {
    this.#index = index;
  }

  handle(exchange: HttpExchange): void {
    const router = this.#index.find(exchange);
    if (router === undefined) notFound.handle(exchange);
    else router.handle(exchange);
  }
}
