import { DeniedCharacters } from "../http/denied-characters.ts";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import type { HttpRouter } from "../routing/http-router.ts";
import { notFound } from "../routing/not-found.ts";
import type { RoutingIndex } from "../routing/routing-index.ts";
import type { CellMap } from "../switcher/cell.ts";
import {
  findTlsRouter,
  isMisdirected,
  refuseMisdirected,
  type TlsRouting,
} from "../tls/tls-routed-handler.ts";
import { EntryPointChains } from "./entry-point-chains.ts";

export interface GuardedHandlerInit {
  /** Of plain requests, or those over TLS. */
  readonly routing: RoutingIndex<HttpRouter> | TlsRouting;
  readonly middlewareNames: readonly string[];
  readonly deniedCharacters: string;
  readonly middlewares: CellMap<HttpHandler>;
}

/**
 * The HTTP side of an entry point that has something to say itself: the router that wins for the request as it came,
 * then what the entry point forbids, then its middlewares, then the router's own. What is answered on the way counts as
 * the router's. Entry points without use `RoutedHandler` and pay nothing for any of this.
 */
export class GuardedHandler implements HttpHandler {
  readonly #routing: RoutingIndex<HttpRouter> | TlsRouting;
  readonly #denied: DeniedCharacters;
  readonly #chains: EntryPointChains;

  constructor({ routing, middlewareNames, deniedCharacters, middlewares }: GuardedHandlerInit) {
    this.#routing = routing;
    this.#denied = new DeniedCharacters(deniedCharacters);
    this.#chains = new EntryPointChains(middlewareNames, middlewares);
  }

  handle(exchange: HttpExchange): void {
    const routing = this.#routing;
    const isPlain = "find" in routing;
    const router = isPlain ? routing.find(exchange) : findTlsRouter(routing, exchange);
    if (router === undefined) {
      notFound.handle(exchange);
      return;
    }
    if (!isPlain && isMisdirected(routing, router, exchange)) {
      refuseMisdirected(router, exchange);
      return;
    }
    router.count(exchange);
    if (this.#denied.areIn(exchange.path)) {
      exchange.respond(400, "Bad Request");
      return;
    }
    exchange.enter(router.middlewares, router.service);
    exchange.runThenNext(this.#chains.of(router.provider));
  }

  release(): void {
    this.#chains.release();
  }
}
