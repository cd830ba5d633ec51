import type { RE2JS } from "re2js";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { decodedPath } from "../http/request-path.ts";
import { compileRegexp } from "../routing/linear-regexp.ts";
import { bytesOf, escapedLengthOf, stripPath } from "./strip-path.ts";

/** Takes what the first of its expressions matches at the beginning of the decoded path off the escaped path. */
export class StripPrefixRegex implements HttpHandler {
  readonly #expressions: readonly RE2JS[];

  /** Throws `RuleBuildError` when one is invalid. */
  constructor(expressions: readonly string[]) {
    this.#expressions = expressions.map((expression) => compileRegexp(expression.trim()));
  }

  handle(exchange: HttpExchange): void {
    const path = decodedPath(exchange.path);
    for (const expression of this.#expressions) {
      const matcher = expression.matcher(path);
      if (!matcher.find() || matcher.start() !== 0 || matcher.end() === 0) continue;
      const prefix = path.slice(0, matcher.end());
      const bytes = bytesOf(prefix);
      const length = escapedLengthOf(exchange.path, bytes);
      if (length === -1) continue; // not UTF-8: what was matched is not what was sent
      if (controlCharacter.test(prefix)) exchange.respond(400, "Bad Request");
      else stripPath(exchange, length, bytes);
      return;
    }
    exchange.next();
  }
}

/** What a client says cannot become a header with one of these. */
const controlCharacter = /\p{Cc}/u;
