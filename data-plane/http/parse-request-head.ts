/**
 * Strict reading of a request's head (RFC 9112). Whatever two parsers could read differently is refused, so that no
 * upstream ever sees another request than the one that was routed. Nothing here allocates but the strings it yields.
 */
import {
  carriageReturn,
  colon,
  fieldValueByte,
  horizontalTab,
  lineFeed,
  space,
  targetByte,
  targetKind,
  tokenByte,
} from "./byte-class.ts";
import { isValidHost } from "./canonical-host.ts";
import { parseConnectionHeader } from "./connection-header.ts";
import type { HeaderList } from "./header-list.ts";
import {
  classifyHeader,
  headerId,
  isManagedHeader,
  isManagedWithUnderscores,
} from "./known-header.ts";

/** 0: the head is good. Anything else is the answer; the connection closes after it. */
export type HeadVerdict = 0 | 400 | 417 | 501 | 505;

export interface ParseRequestOptions {
  /** Whether the peer may set the managed headers (known-header.ts). */
  readonly isPeerTrusted: boolean;
}

/** What a head says, as one object per connection that is filled again and again. */
export class RequestHead {
  method = "";
  /** Path of the target as sent; "*" for the asterisk form. */
  path = "";
  /** With its leading "?", or "". */
  query = "";
  pathNeedsNormalising: boolean = false;
  pathNeedsSanitising: boolean = false;
  queryHasSemicolon: boolean = false;
  /** 1 or 0. */
  minorVersion = 1;
  /** Value of Host, or the authority of an absolute target. */
  host = "";
  hostCount = 0;
  /** -1: none was sent. */
  contentLength = -1;
  isChunked: boolean = false;
  expectsContinue: boolean = false;
  acceptsTrailers: boolean = false;
  wantsClose: boolean = false;
  wantsKeepAlive: boolean = false;
  wantsUpgrade: boolean = false;
  upgrade = "";
  /** Lower-case names that `Connection` lists beside the well-known ones. */
  connectionNames: readonly string[] = [];
  forwardedForCount = 0;
  hasForwarded: boolean = false;

  reset(): void {
    this.hostCount = 0;
    this.contentLength = -1;
    this.isChunked = false;
    this.expectsContinue = false;
    this.acceptsTrailers = false;
    this.wantsClose = false;
    this.wantsKeepAlive = false;
    this.wantsUpgrade = false;
    this.upgrade = "";
    this.connectionNames = noNames;
    this.forwardedForCount = 0;
    this.hasForwarded = false;
    this.pathNeedsNormalising = false;
    this.pathNeedsSanitising = false;
    this.queryHasSemicolon = false;
  }
}

const noNames: readonly string[] = [];

/**
 * Reads `bytes` from `start` to the end of the empty line at `end`. `text` is the same range, one character per byte.
 * Fields go to `headers`, except Host and Connection, which only the engine handles.
 */
export function parseRequestHead(
  bytes: Uint8Array,
  start: number,
  text: string,
  head: RequestHead,
  headers: HeaderList,
  options: ParseRequestOptions,
): HeadVerdict {
  head.reset();
  headers.clear();
  const lineEnd = parseRequestLine(bytes, start, text, head);
  if (lineEnd < 0) return -lineEnd as HeadVerdict;
  // The last CRLF is the empty line's; `text` ends with CRLF CRLF.
  const verdict = parseFields(bytes, start, lineEnd, text, head, headers, options);
  return verdict === 0 ? checkHead(head) : verdict;
}

/** Index of the first field line within `text`, or the negated status. */
function parseRequestLine(
  bytes: Uint8Array,
  start: number,
  text: string,
  head: RequestHead,
): number {
  let index = 0;
  while (tokenByte[bytes[start + index] ?? 0] === 1) index += 1;
  if (index === 0 || bytes[start + index] !== space) return -400;
  head.method = internedMethod(text, index);
  index += 1;
  const targetStart = index;
  if (head.method === "CONNECT") return -501;
  if (bytes[start + index] === 42 && bytes[start + index + 1] === space) {
    if (head.method !== "OPTIONS") return -400;
    head.path = "*";
    head.query = "";
    index += 1;
  } else if (bytes[start + index] === 47) {
    index = parsePathAndQuery(bytes, start, index, text, head);
  } else {
    index = parseAbsoluteTarget(bytes, start, targetStart, text, head);
  }
  if (index < 0 || bytes[start + index] !== space) return -400;
  index += 1;
  if (!text.startsWith("HTTP/", index)) return -400;
  const major = bytes[start + index + 5] ?? 0;
  const minor = bytes[start + index + 7] ?? 0;
  if (!isDigit(major) || bytes[start + index + 6] !== 46 || !isDigit(minor)) return -400;
  if (bytes[start + index + 8] !== carriageReturn || bytes[start + index + 9] !== lineFeed) {
    return -400;
  }
  if (major !== 49 || minor > 49) return -505;
  head.minorVersion = minor - 48;
  return index + 10;
}

function internedMethod(text: string, length: number): string {
  if (length === 3 && text.startsWith("GET")) return "GET";
  if (length === 4 && text.startsWith("POST")) return "POST";
  return text.slice(0, length);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** Index of the first byte after the target, or -1. */
function parsePathAndQuery(
  bytes: Uint8Array,
  start: number,
  pathStart: number,
  text: string,
  head: RequestHead,
): number {
  let index = pathStart;
  let afterSlash = false;
  let kind: number = targetKind.plain;
  for (; ; index += 1) {
    kind = targetByte[bytes[start + index] ?? 0] ?? 0;
    if (kind === targetKind.plain) {
      afterSlash = false;
      continue;
    }
    if (kind === targetKind.slash || kind === targetKind.dot) {
      if (afterSlash) head.pathNeedsSanitising = true;
      afterSlash = kind === targetKind.slash;
      continue;
    }
    if (kind === targetKind.refused || kind === targetKind.question) break;
    if (kind === targetKind.normalise) head.pathNeedsNormalising = true;
    afterSlash = false;
  }
  head.path = text.slice(pathStart, index);
  if (kind === targetKind.refused) {
    head.query = "";
    return index;
  }
  const queryStart = index;
  for (; ; index += 1) {
    kind = targetByte[bytes[start + index] ?? 0] ?? 0;
    if (kind === targetKind.refused) break;
    if (kind === targetKind.semicolon) head.queryHasSemicolon = true;
  }
  head.query = text.slice(queryStart, index);
  return index;
}

/** `http://host[:port][/path][?query]`: the authority is the request's host, whatever a Host field says. */
function parseAbsoluteTarget(
  bytes: Uint8Array,
  start: number,
  targetStart: number,
  text: string,
  head: RequestHead,
): number {
  const scheme = /^https?:\/\//i.exec(text.slice(targetStart, targetStart + 8))?.[0];
  if (scheme === undefined) return -1;
  const authorityStart = targetStart + scheme.length;
  let index = authorityStart;
  while (!"/? \r#".includes(text[index] ?? " ")) index += 1;
  const authority = text.slice(authorityStart, index);
  if (authority === "" || !isValidHost(authority)) return -1;
  head.host = authority;
  head.hostCount = absoluteHost;
  if (bytes[start + index] === 47) return parsePathAndQuery(bytes, start, index, text, head);
  const end = parsePathAndQuery(bytes, start, index, text, head);
  head.path = "/";
  return end;
}

/** `hostCount` of a request whose target named the host: one Host field may still come. */
const absoluteHost = 1_000;

function parseFields(
  bytes: Uint8Array,
  start: number,
  fieldsStart: number,
  text: string,
  head: RequestHead,
  headers: HeaderList,
  options: ParseRequestOptions,
): HeadVerdict {
  let index = fieldsStart;
  const end = text.length - 2;
  while (index < end) {
    const nameStart = index;
    // A line that begins with a space (obs-fold) or has one before its colon stops here.
    while (tokenByte[bytes[start + index] ?? 0] === 1) index += 1;
    if (index === nameStart || bytes[start + index] !== colon) return 400;
    const nameEnd = index;
    index += 1;
    let byte = bytes[start + index] ?? 0;
    while (byte === space || byte === horizontalTab) {
      index += 1;
      byte = bytes[start + index] ?? 0;
    }
    const valueStart = index;
    while (fieldValueByte[byte] === 1) {
      index += 1;
      byte = bytes[start + index] ?? 0;
    }
    if (byte !== carriageReturn || bytes[start + index + 1] !== lineFeed) return 400;
    let valueEnd = index;
    while (valueEnd > valueStart && isBlank(bytes[start + valueEnd - 1] ?? 0)) valueEnd -= 1;
    index += 2;
    const name = text.slice(nameStart, nameEnd);
    const value = text.slice(valueStart, valueEnd);
    const known = classifyHeader(name);
    if (known.id === headerId.other) {
      if (!options.isPeerTrusted && isManagedWithUnderscores(known.lowerName)) continue;
      headers.appendParsed(name, known, value);
      continue;
    }
    if (isManagedHeader(known.id)) {
      if (!options.isPeerTrusted) continue;
      head.hasForwarded = true;
      if (known.id === headerId.forwardedFor) head.forwardedForCount += 1;
    } else {
      const verdict = applyField(known.id, value, head);
      if (verdict !== 0) return verdict;
      if (known.id === headerId.host || known.id === headerId.connection) continue;
    }
    headers.appendParsed(name, known, value);
  }
  return 0;
}

function isBlank(byte: number): boolean {
  return byte === space || byte === horizontalTab;
}

/** Takes note of a field that says how the message is framed or the connection used. */
function applyField(id: number, value: string, head: RequestHead): HeadVerdict {
  switch (id) {
    case headerId.host:
      head.hostCount += 1;
      if (head.hostCount > absoluteHost) return isValidHost(value) ? 0 : 400;
      head.host = value;
      return 0;
    case headerId.contentLength:
      // Even twice the same: a message should say once how long it is.
      if (head.contentLength !== -1) return 400;
      head.contentLength = parseContentLength(value);
      return head.contentLength === -1 ? 400 : 0;
    case headerId.transferEncoding:
      return applyTransferEncoding(value, head);
    case headerId.connection:
      return parseConnectionHeader(value, head) ? 0 : 400;
    case headerId.expect:
      if (value.toLowerCase() !== "100-continue") return 417;
      head.expectsContinue = true;
      return 0;
    case headerId.upgrade:
      head.upgrade = head.upgrade === "" ? value : `${head.upgrade}, ${value}`;
      return 0;
    case headerId.te:
      if (/(^|,)[ \t]*trailers[ \t]*(;|,|$)/i.test(value)) head.acceptsTrailers = true;
      return 0;
    default:
      return 0;
  }
}

/** -1 unless it is digits only, few enough to be exact. */
export function parseContentLength(value: string): number {
  return /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
}

function applyTransferEncoding(value: string, head: RequestHead): HeadVerdict {
  if (head.isChunked) return 400;
  if (value.toLowerCase() === "chunked") {
    head.isChunked = true;
    return 0;
  }
  const codings = value.toLowerCase().split(",");
  // `chunked` twice or before another coding leaves the length open; other codings are not ours to undo.
  const isMisplaced = codings.slice(0, -1).some((coding) => coding.trim() === "chunked");
  const isCodingList = codings.every((coding) =>
    /^[ \t]*[!#$%&'*+\-.^_`|~0-9a-z]+[ \t]*$/.test(coding),
  );
  return isCodingList && !isMisplaced ? 501 : 400;
}

function checkHead(head: RequestHead): HeadVerdict {
  if (head.isChunked && (head.contentLength !== -1 || head.minorVersion === 0)) return 400;
  if (head.hostCount >= absoluteHost) {
    if (head.hostCount > absoluteHost + 1) return 400;
  } else if (head.hostCount !== 1) {
    if (head.hostCount > 1 || head.minorVersion === 1) return 400;
    head.host = "";
  }
  if (head.minorVersion === 0) head.expectsContinue = false;
  return 0;
}
