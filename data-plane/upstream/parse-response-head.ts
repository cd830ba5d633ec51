/** Strict reading of a response's head: what could be read in two ways is a broken upstream, not a response. */
import { carriageReturn, fieldValueByte, lineFeed, space } from "../http/byte-class.ts";
import { parseConnectionHeader } from "../http/connection-header.ts";
import { HeaderList } from "../http/header-list.ts";
import { headerId } from "../http/known-header.ts";
import { type FieldReader, type HeadSource, parseFields } from "../http/parse-fields.ts";
import { parseContentLength } from "../http/parse-request-head.ts";

const noNames: readonly string[] = [];

const noBytes = new Uint8Array(0);

/** One object per upstream connection, filled again and again; also the `ResponseHead` that is edited and sent on. */
export class UpstreamResponseHead implements FieldReader, HeadSource {
  bytes: Uint8Array = noBytes;
  start = 0;
  text = "";
  status = 0;
  reason = "";
  minorVersion = 1;
  /** -1: none was sent. */
  contentLength = -1;
  isChunked: boolean = false;
  wantsClose: boolean = false;
  wantsKeepAlive: boolean = false;
  wantsUpgrade: boolean = false;
  upgrade = "";
  connectionNames: readonly string[] = noNames;
  readonly headers = new HeaderList();

  reset(bytes: Uint8Array, start: number, text: string): void {
    this.bytes = bytes;
    this.start = start;
    this.text = text;
    this.contentLength = -1;
    this.isChunked = false;
    this.wantsClose = false;
    this.wantsKeepAlive = false;
    this.wantsUpgrade = false;
    this.upgrade = "";
    this.connectionNames = noNames;
  }

  /** Any status but 0 is a broken response. */
  readField(id: number, value: string): number {
    switch (id) {
      case headerId.contentLength:
        if (this.contentLength !== -1) return 502;
        this.contentLength = parseContentLength(value);
        return this.contentLength === -1 ? 502 : 0;
      case headerId.transferEncoding:
        // No other coding was asked for.
        if (this.isChunked || value.toLowerCase() !== "chunked") return 502;
        this.isChunked = true;
        return 0;
      case headerId.connection:
        return parseConnectionHeader(value, this) ? 0 : 502;
      case headerId.upgrade:
        this.upgrade = this.upgrade === "" ? value : `${this.upgrade}, ${value}`;
        return 0;
      default:
        return 0;
    }
  }
}

/** Reads a head whose end the caller has seen; returns the index after the empty line within the text, or -1. */
export function parseResponseHead(head: UpstreamResponseHead): number {
  const { headers } = head;
  headers.beginParsed(head.text);
  const fieldsStart = parseStatusLine(head.bytes, head.start, head.text, head);
  if (fieldsStart === -1) return -1;
  const end = parseFields(head, fieldsStart, headers, head, false);
  if (end < 0) return -1;
  if (head.isChunked && (head.contentLength !== -1 || head.minorVersion === 0)) return -1;
  for (const name of head.connectionNames) headers.delete(name);
  return end;
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
