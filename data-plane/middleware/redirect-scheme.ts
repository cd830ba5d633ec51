import type { RedirectScheme as RedirectSchemeMessage } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { isValidHost, portOf } from "../http/canonical-host.ts";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { redirect, requestUri } from "./redirect.ts";

/** Sends clients to the same URL with another scheme and port, unless that is where they are. */
export class RedirectScheme implements HttpHandler {
  readonly #scheme: string;
  readonly #port: string;
  readonly #isPermanent: boolean;

  constructor({ scheme, port, permanent }: RedirectSchemeMessage) {
    this.#scheme = scheme;
    this.#port = portSuffix(scheme, port);
    this.#isPermanent = permanent;
  }

  handle(exchange: HttpExchange): void {
    const { requestHost } = exchange;
    if (requestHost === "" || !isValidHost(requestHost)) {
      // There is no URL to send anyone to.
      exchange.respond(400, "Bad Request");
      return;
    }
    const port = portOf(requestHost);
    const name = requestHost.slice(0, requestHost.length - port.length).replace(/:$/, "");
    const scheme = schemeOf(exchange);
    if (scheme === this.#scheme && portSuffix(scheme, port) === this.#port) {
      exchange.next();
      return;
    }
    const location = `${this.#scheme}://${name}${this.#port}${requestUri(exchange)}`;
    redirect(exchange, location, this.#isPermanent);
  }
}

/** What the client used: a proxy that ended its TLS said so. Upgrades to WebSocket are HTTP so far. */
function schemeOf({ requestHeaders, isTls }: HttpExchange): "http" | "https" {
  const said = requestHeaders.get("x-forwarded-proto")?.toLowerCase();
  if (said === "https" || said === "wss") return "https";
  if (said === "http" || said === "ws") return "http";
  return isTls ? "https" : "http";
}

/** A scheme's own port is not written out. */
function portSuffix(scheme: string, port: string): string {
  const isDefault = (scheme === "http" && port === "80") || (scheme === "https" && port === "443");
  return port === "" || isDefault ? "" : `:${port}`;
}
