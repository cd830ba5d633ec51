import type { HeaderList } from "./header-list.ts";
import {
  isManagedHeader,
  isManagedWithUnderscores,
  isSentByEngine,
  knownHeaderId,
} from "./known-header.ts";

const field = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*\r\n/y;

/**
 * Field lines, each with its CRLF, after a chunked body. Fields that say how a message is framed, routed or who sent it
 * have no place there and are dropped (RFC 9110 §6.5.1). False when a line is malformed.
 */
export function parseTrailers(text: string, trailers: HeaderList): boolean {
  field.lastIndex = 0;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) return false;
    const [, name = "", value = ""] = match;
    const lowerName = name.toLowerCase();
    const id = knownHeaderId(lowerName);
    const isRefused =
      isSentByEngine[id] === 1 || isManagedHeader[id] === 1 || isManagedWithUnderscores(lowerName);
    if (!isRefused) trailers.appendChecked(name, value);
  }
  return true;
}
