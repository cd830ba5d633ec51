/** Strict reading of a response's head: what could be read in two ways is a broken upstream, not a response. */
import {
  carriageReturn,
  colon,
  fieldValueByte,
  horizontalTab,
  lineFeed,
  space,
  tokenByte,
} from "../http/byte-class.ts";
import { parseConnectionHeader } from "../http/connection-header.ts";
import { HeaderList } from "../http/header-list.ts";
import { classifyHeader, headerId } from "../http/known-header.ts";
import { parseContentLength } from "../http/parse-request-head.ts";

const noNames: readonly string[] = [];

/** One object per upstream connection, filled again and again; also the `ResponseHead` that is edited and sent on. */
export class UpstreamResponseHead {
  status = 0;
  reason = "";
  minorVersion = 1;
  /** -1: none was sent. */
  contentLength = -1;
  isChunked: boolean = false;
  wantsClose: boolean = false;
  wantsKeepAlive: boolean = false;
  wantsUpgrade: boolean = false;
  connectionNames: readonly string[] = noNames;
  readonly headers = new HeaderList();

  reset(): void {
    this.contentLength = -1;
    this.isChunked = false;
    this.wantsClose = false;
    this.wantsKeepAlive = false;
    this.wantsUpgrade = false;
    this.connectionNames = noNames;
    this.headers.clear();
  }
}

/** Reads `bytes` from `start`; `text` is the same range up to the end of the empty line, one character per byte. */
export function parseResponseHead(
  bytes: Uint8Array,
  start: number,
  text: string,
  head: UpstreamResponseHead,
): boolean {
  head.reset();
  const fieldsStart = parseStatusLine(bytes, start, text, head);
  if (fieldsStart === -1 || !parseFields(bytes, start, fieldsStart, text, head)) return false;
  if (head.isChunked && (head.contentLength !== -1 || head.minorVersion === 0)) return false;
  for (const name of head.connectionNames) head.headers.delete(name);
  return true;
}

/** Index of the first field line, or -1. */
function parseStatusLine(
  bytes: Uint8Array,
  start: number,
  text: string,
  head: UpstreamResponseHead,
): number {
  if (!text.startsWith("HTTP/1.")) return -1;
  const minor = (bytes[start + 7] ?? 0) - 48;
  if (minor !== 0 && minor !== 1) return -1;
  if (bytes[start + 8] !== space) return -1;
  const hundreds = (bytes[start + 9] ?? 0) - 48;
  const tens = (bytes[start + 10] ?? 0) - 48;
  const ones = (bytes[start + 11] ?? 0) - 48;
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1;
  let index = 12;
  // Some servers leave the space out together with the reason.
  if (bytes[start + index] === space) index += 1;
  else if (bytes[start + index] !== carriageReturn) return -1;
  const reasonStart = index;
  while (fieldValueByte[bytes[start + index] ?? 0] === 1) index += 1;
  if (bytes[start + index] !== carriageReturn || bytes[start + index + 1] !== lineFeed) return -1;
  head.minorVersion = minor;
  head.status = hundreds * 100 + tens * 10 + ones;
  head.reason = text.slice(reasonStart, index);
  return index + 2;
}

function parseFields(
  bytes: Uint8Array,
  start: number,
  fieldsStart: number,
  text: string,
  head: UpstreamResponseHead,
): boolean {
  let index = fieldsStart;
  const end = text.length - 2;
  while (index < end) {
    const nameStart = index;
    while (tokenByte[bytes[start + index] ?? 0] === 1) index += 1;
    if (index === nameStart || bytes[start + index] !== colon) return false;
    const nameEnd = index;
    index += 1;
    let byte = bytes[start + index] ?? 0;
    while (byte === space || byte === horizontalTab) {
      index += 1;
      byte = bytes[start + index] ?? 0;
    }
    const valueStart = index;
    let valueEnd = index;
    while (fieldValueByte[byte] === 1) {
      index += 1;
      if (byte !== space && byte !== horizontalTab) valueEnd = index;
      byte = bytes[start + index] ?? 0;
    }
    if (byte !== carriageReturn || bytes[start + index + 1] !== lineFeed) return false;
    index += 2;
    const name = text.slice(nameStart, nameEnd);
    const value = text.slice(valueStart, valueEnd);
    const known = classifyHeader(name);
    if (!applyField(known.id, value, head)) return false;
    head.headers.appendParsed(name, known, value);
  }
  return true;
}

function applyField(id: number, value: string, head: UpstreamResponseHead): boolean {
  switch (id) {
    case headerId.contentLength:
      if (head.contentLength !== -1) return false;
      head.contentLength = parseContentLength(value);
      return head.contentLength !== -1;
    case headerId.transferEncoding:
      // No other coding was asked for.
      if (head.isChunked || value.toLowerCase() !== "chunked") return false;
      head.isChunked = true;
      return true;
    case headerId.connection:
      return parseConnectionHeader(value, head);
    default:
      return true;
  }
}
