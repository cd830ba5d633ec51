import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { bytesOf, escapedLengthOf, stripPath } from "./strip-path.ts";

/** Takes the first prefix that the decoded path starts with off the escaped path. */
export class StripPrefix implements HttpHandler {
  readonly #prefixes: readonly Prefix[];

  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes.map((text) => ({
      bytes: bytesOf(text),
      shown: bytesOf(text.trim()),
    }));
  }

  handle(exchange: HttpExchange): void {
    for (const { bytes, shown } of this.#prefixes) {
      const length = escapedLengthOf(exchange.path, bytes);
      if (length === -1) continue;
      stripPath(exchange, length, shown);
      return;
    }
    exchange.next();
  }
}

interface Prefix {
  readonly bytes: string;
  readonly shown: string;
}
