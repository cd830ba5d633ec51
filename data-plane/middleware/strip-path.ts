/** What the middlewares that take a prefix off the path have in common. */
import type { HttpExchange } from "../http/http-exchange.ts";
import { routingPathOf } from "../http/request-path.ts";

/** One character per byte of its UTF-8 form, as escapes decode. */
export function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** How many characters of `path` are `prefix` in escaped form; -1 when it does not start with it. */
export function escapedLengthOf(path: string, prefixBytes: string): number {
  let position = 0;
  for (let i = 0; i < prefixBytes.length; i += 1) {
    if (position >= path.length) return -1;
    const isEscape = path.charCodeAt(position) === 37;
    const byte = isEscape
      ? Number.parseInt(path.slice(position + 1, position + 3), 16)
      : path.charCodeAt(position);
    if (byte !== prefixBytes.charCodeAt(i)) return -1;
    position += isEscape ? 3 : 1;
  }
  return position;
}

/**
 * Goes on without the first `length` characters of the escaped path, and names them in `X-Forwarded-Prefix`
 * (`prefixBytes`). A result with `.`, `..` or empty segments is refused: what is behind could read it as another path.
 */
export function stripPath(exchange: HttpExchange, length: number, prefixBytes: string): void {
  const rest = exchange.path.slice(length);
  const stripped = rest.startsWith("/") ? rest : `/${rest}`;
  if (isUncleanPath(stripped)) {
    exchange.respond(400, "Bad Request");
    return;
  }
  exchange.path = stripped;
  exchange.routingPath = routingPathOf(stripped);
  exchange.requestHeaders.append("X-Forwarded-Prefix", prefixBytes);
  exchange.next();
}

const uncleanPattern = /\/(?:\.{0,2}\/|\.{1,2}$)/;

export function isUncleanPath(path: string): boolean {
  return uncleanPattern.test(path);
}
