import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import type { HttpRouter } from "../routing/http-router.ts";
import { notFound } from "../routing/not-found.ts";
import { compareRoutes } from "../routing/route.ts";
import type { RoutingIndex } from "../routing/routing-index.ts";
import type { RouterTlsOptions } from "./router-tls-options.ts";

export interface TlsRouting {
  readonly index: RoutingIndex<HttpRouter>;
  /** Where the entry point gives TLS to routers without: those as well. */
  readonly others: RoutingIndex<HttpRouter> | undefined;
  readonly options: RouterTlsOptions;
  /** What a connection for a server name is made with. */
  readonly optionsForHost: (host: string) => string;
}

/** The router that wins among those that answer TLS requests. */
export function findTlsRouter(
  { index, others }: TlsRouting,
  exchange: HttpExchange,
): HttpRouter | undefined {
  const own = index.find(exchange);
  const other = others?.find(exchange);
  if (own === undefined || other === undefined) return own ?? other;
  return compareRoutes(own, other) < 0 ? own : other;
}

/**
 * Whether the router, or the host asked for, is to be served with other options than the connection was made with. A client
 * could else reach, over a connection that asked for little, what another host asks a client certificate for. A router
 * whose rule names no host asks for nothing itself: it is served over the connections of every host, to requests for that host.
 */
export function isMisdirected(
  { options, optionsForHost }: TlsRouting,
  router: HttpRouter,
  exchange: HttpExchange,
): boolean {
  const { tlsOptions } = exchange;
  // The hosts of its rule have its options: the control plane has seen to it.
  if (router.namesHost === "always") return options.of(router) !== tlsOptions;
  if (optionsForHost(exchange.host) !== tlsOptions) return true;
  return router.namesHost === "partly" && options.of(router) !== tlsOptions;
}

export function refuseMisdirected(router: HttpRouter, exchange: HttpExchange): void {
  router.count(exchange);
  exchange.respond(421, "Misdirected Request");
}

/** The side of an entry point that answers TLS requests. */
export class TlsRoutedHandler implements HttpHandler {
  readonly #routing: TlsRouting;

  constructor(routing: TlsRouting) {
    this.#routing = routing;
  }

  handle(exchange: HttpExchange): void {
    const router = findTlsRouter(this.#routing, exchange);
    if (router === undefined) notFound.handle(exchange);
    else if (isMisdirected(this.#routing, router, exchange)) refuseMisdirected(router, exchange);
    else router.handle(exchange);
  }
}
