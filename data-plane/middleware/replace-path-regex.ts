import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { hasMalformedEscape, routingPathOf, sendablePath } from "../http/request-path.ts";
import { RegexpReplacement } from "./regexp-replacement.ts";
import { isUncleanPath } from "./strip-path.ts";

/**
 * Rewrites the escaped path where it matches, and names the old one in `X-Replaced-Path`. Like `StripPrefix` it refuses
 * what could be read as another path.
 */
export class ReplacePathRegex implements HttpHandler {
  readonly #replacement: RegexpReplacement;

  /** Throws `RuleBuildError` when the expression is invalid. */
  constructor(expression: string, replacement: string) {
    this.#replacement = new RegexpReplacement(expression.trim(), replacement.trim());
  }

  handle(exchange: HttpExchange): void {
    const { path } = exchange;
    const replaced = this.#replacement.replaceAll(path);
    if (replaced === undefined) {
      exchange.next();
      return;
    }
    const sendable = sendablePath(replaced);
    if (hasMalformedEscape(replaced)) {
      exchange.respond(500, "Internal Server Error");
    } else if (isUncleanPath(sendable)) {
      exchange.respond(400, "Bad Request");
    } else {
      exchange.requestHeaders.append("X-Replaced-Path", path);
      exchange.path = sendable;
      exchange.routingPath = routingPathOf(sendable);
      exchange.next();
    }
  }
}
