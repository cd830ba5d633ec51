/**
 * A request of HTTP/2 as the head of an HTTP/1.1 one: read by the same parser, it is held to the same rules, whatever
 * it came over, and goes upstream as what was checked. HTTP/2's own rules (names in lower case, no field of a connection,
 * no control characters) have been enforced by then.
 */

/** The head, or the status of its refusal (RFC 9113 §8.3.1). */
export function requestText(fields: readonly string[]): string | 400 | 501 {
  let method = "";
  let path = "";
  let authority: string | undefined;
  let host: string | undefined;
  let cookies = "";
  let lines = "";
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    switch (name) {
      case ":method":
        method = value;
        break;
      case ":path":
        path = value;
        break;
      case ":authority":
        authority = value;
        break;
      case ":scheme":
        break;
      case "host":
        if (host !== undefined) return 400;
        host = value;
        break;
      case "cookie":
        // It may come in pieces, and is one field to everybody behind (RFC 9113 §8.2.3).
        cookies = cookies === "" ? value : `${cookies}; ${value}`;
        break;
      default:
        if (name.startsWith(":")) return 400;
        lines += `${name}: ${value}\r\n`;
    }
  }
  if (method === "CONNECT") return 501;
  // Another form of target would name a second host.
  if (!path.startsWith("/") && !(path === "*" && method === "OPTIONS")) return 400;
  if (authority !== undefined && host !== undefined && authority !== host) return 400;
  const name = authority ?? host;
  if (name === undefined) return 400;
  const cookieLine = cookies === "" ? "" : `cookie: ${cookies}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: ${name}\r\n${lines}${cookieLine}\r\n`;
}
