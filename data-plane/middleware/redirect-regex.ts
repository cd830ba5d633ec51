import type { RedirectRegex as RedirectRegexMessage } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { redirect, requestUri } from "./redirect.ts";
import { redirectLocation } from "./redirect-location.ts";
import { RegexpReplacement } from "./regexp-replacement.ts";

/** Sends clients to what becomes of the whole URL, where it matches and becomes another one. */
export class RedirectRegex implements HttpHandler {
  readonly #replacement: RegexpReplacement;
  readonly #isPermanent: boolean;

  /** Throws `RuleBuildError` when the expression is invalid. */
  constructor({ regex, replacement, permanent }: RedirectRegexMessage) {
    this.#replacement = new RegexpReplacement(regex, replacement);
    this.#isPermanent = permanent;
  }

  handle(exchange: HttpExchange): void {
    const scheme = exchange.isTls ? "https" : "http";
    const url = `${scheme}://${exchange.requestHost}${requestUri(exchange)}`;
    const replaced = this.#replacement.replaceAll(url);
    if (replaced === undefined || replaced === url) {
      exchange.next();
      return;
    }
    const location = redirectLocation(replaced);
    if (location === undefined) exchange.respond(502, "Bad Gateway");
    else redirect(exchange, location, this.#isPermanent);
  }
}
