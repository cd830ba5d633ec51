import type { HandlerCell, HttpExchange, HttpHandler } from "../http/http-exchange.ts";

/** Middlewares under one name, bound late: changing one of them changes it in every chain that names it. */
export class Chain implements HttpHandler {
  readonly #middlewares: readonly HandlerCell[];

  constructor(middlewares: readonly HandlerCell[]) {
    this.#middlewares = middlewares;
  }

  handle(exchange: HttpExchange): void {
    exchange.runThenNext(this.#middlewares);
  }
}
