import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { routingPathOf } from "../http/request-path.ts";

/**
 * Takes the first prefix that the decoded path starts with off the escaped path, and names it in `X-Forwarded-Prefix`.
 * A result with `.`, `..` or empty segments is refused: what is behind could read it as another path.
 */
export class StripPrefix implements HttpHandler {
  readonly #prefixes: readonly Prefix[];

  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes.map((text) => ({
      text,
      bytes: Buffer.from(text, "utf8").toString("latin1"),
    }));
  }

  handle(exchange: HttpExchange): void {
    const { path } = exchange;
    for (const { text, bytes } of this.#prefixes) {
      const length = escapedLengthOf(path, bytes);
      if (length === -1) continue;
      const rest = path.slice(length);
      const stripped = rest.startsWith("/") ? rest : `/${rest}`;
      if (isUnclean(stripped)) {
        exchange.respond(400, "Bad Request");
        return;
      }
      exchange.path = stripped;
      exchange.routingPath = routingPathOf(stripped);
      exchange.requestHeaders.append("X-Forwarded-Prefix", text.trim());
      break;
    }
    exchange.next();
  }
}

interface Prefix {
  readonly text: string;
  /** One character per byte of its UTF-8 form, as escapes decode. */
  readonly bytes: string;
}

/** How many characters of `path` are `prefix` in escaped form; -1 when it does not start with it. */
function escapedLengthOf(path: string, prefix: string): number {
  let position = 0;
  for (let i = 0; i < prefix.length; i += 1) {
    if (position >= path.length) return -1;
    const isEscape = path.charCodeAt(position) === 37;
    const byte = isEscape
      ? Number.parseInt(path.slice(position + 1, position + 3), 16)
      : path.charCodeAt(position);
    if (byte !== prefix.charCodeAt(i)) return -1;
    position += isEscape ? 3 : 1;
  }
  return position;
}

const uncleanPattern = /\/(?:\.{0,2}\/|\.{1,2}$)/;

function isUnclean(path: string): boolean {
  return uncleanPattern.test(path);
}
