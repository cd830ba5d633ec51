import { HeaderList } from "./header-list.ts";
import { headerId, isSentByEngine, knownHeaderId } from "./known-header.ts";
import { parseFields } from "./parse-fields.ts";

/**
 * What a message is, where it goes and who sent it is said before its body or not at all (RFC 9110 §6.5.1): middlewares
 * have judged the head, and a server that merges trailers into it would see another one.
 */
const headOnly = new Set([
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-location",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expires",
  "forwarded",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "location",
  "max-forwards",
  "origin",
  "pragma",
  "range",
  "referer",
  "retry-after",
  "set-cookie",
  "trailer",
  "vary",
  "via",
  "warning",
  "www-authenticate",
]);

/** Who frames a message behind its body means to be read twice. */
const reader = {
  readField(id: number): number {
    const knownId = Math.abs(id);
    return knownId === headerId.contentLength || knownId === headerId.transferEncoding ? 400 : 0;
  },
};

/**
 * Field lines, each with its CRLF, after a chunked body; false when one is malformed or frames the message, or there are
 * too many.
 */
export function parseTrailers(lines: string, trailers: HeaderList): boolean {
  const text = `${lines}\r\n`;
  const parsed = new HeaderList();
  parsed.beginParsed(text);
  const source = { bytes: Buffer.from(text, "latin1"), start: 0, text };
  if (parseFields(source, 0, parsed, reader, true) < 0) return false;
  for (let index = 0; index < parsed.length; index += 1) {
    // Many applications read `_` as `-`.
    const name = parsed.lowerNameAt(index).replaceAll("_", "-");
    if (isSentByEngine[knownHeaderId(name)] !== 1 && !headOnly.has(name)) {
      trailers.appendChecked(parsed.nameAt(index), parsed.valueAt(index));
    }
  }
  return true;
}
