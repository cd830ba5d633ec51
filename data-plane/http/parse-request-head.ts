/**
 * Strict reading of a request's head (RFC 9112). Whatever two parsers could read differently is refused, so that no
 * upstream ever sees another request than the one that was routed. Nothing here allocates but the strings it yields.
 */
import {
  carriageReturn,
  lineFeed,
  space,
  targetByte,
  targetKind,
  tokenByte,
} from "./byte-class.ts";
import { canonicalHost, isValidHost, plainNameEnd, portOf } from "./canonical-host.ts";
import { parseConnectionHeader } from "./connection-header.ts";
import type { HeaderList } from "./header-list.ts";
import { headerId } from "./known-header.ts";
import { type FieldReader, type HeadSource, parseFields } from "./parse-fields.ts";

/** What a head says, as one object per connection that is filled again and again. */
export class RequestHead implements FieldReader, HeadSource {
  bytes: Uint8Array = noBytes;
  start = 0;
  text = "";
  method = "";
  /** Path of the target as sent; "*" for the asterisk form. */
  path = "";
  /** With its leading "?", or "". */
  query = "";
  pathNeedsNormalising: boolean = false;
  pathNeedsSanitising: boolean = false;
  queryHasSemicolon: boolean = false;
  /** It holds bytes above 127, which a URI may not. */
  queryNeedsEscaping: boolean = false;
  /** The request line can be sent on as it came, if nobody changes path or query. */
  lineEnd = 0;
  isOriginForm: boolean = true;
  /** 1 or 0. */
  minorVersion = 1;
  /** Value of Host, or the authority of an absolute target. */
  host = "";
  /** The host's name and port as `canonicalHost` and `portOf` say. */
  hostName = "";
  hostPort = "";
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
  connectionNames: readonly string[] = noNames;
  /** The last Host that was checked: a connection usually asks for one. */
  #validHost = "";
  #validName = "";
  #validPort = "";

  reset(bytes: Uint8Array, start: number, text: string): void {
    this.bytes = bytes;
    this.start = start;
    this.text = text;
    this.pathNeedsNormalising = false;
    this.pathNeedsSanitising = false;
    this.queryHasSemicolon = false;
    this.queryNeedsEscaping = false;
    this.isOriginForm = true;
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
  }

  readField(id: number, value: string): number {
    switch (id) {
      case headerId.host:
        this.hostCount += 1;
        return this.#readHost(value);
      case headerId.contentLength:
        // Even twice the same: a message should say once how long it is.
        if (this.contentLength !== -1) return 400;
        this.contentLength = parseContentLength(value);
        return this.contentLength === -1 ? 400 : 0;
      case headerId.transferEncoding:
        if (this.isChunked) return 400;
        this.isChunked = value.toLowerCase() === "chunked";
        return this.isChunked ? 0 : refusalOfCoding(value);
      case headerId.connection:
        return parseConnectionHeader(value, this) ? 0 : 400;
      case headerId.expect:
        if (this.expectsContinue) return 400;
        this.expectsContinue = true;
        return value.toLowerCase() === "100-continue" ? 0 : 417;
      case headerId.upgrade:
        this.upgrade = this.upgrade === "" ? value : `${this.upgrade}, ${value}`;
        return 0;
      case -headerId.contentLength:
      case -headerId.transferEncoding:
        // Many applications read the one as the other, and would frame the message differently.
        return 400;
      case headerId.te:
        if (/(^|,)[ \t]*trailers[ \t]*(;|,|$)/i.test(value)) this.acceptsTrailers = true;
        return 0;
      default:
        return 0;
    }
  }

  #readHost(value: string): number {
    // An http URI without a host is invalid (RFC 9110 §4.2.1).
    if (value === "") return 400;
    if (value !== this.#validHost) {
      const end = plainNameEnd(value);
      if (end === -1 && !isValidHost(value)) return 400;
      this.#validHost = value;
      this.#validName = end === -1 ? canonicalHost(value) : value.slice(0, end);
      this.#validPort = end === -1 ? portOf(value) : value.slice(end + 1);
    }
    if (!this.isOriginForm) return 0;
    this.host = this.#validHost;
    this.hostName = this.#validName;
    this.hostPort = this.#validPort;
    return 0;
  }

  /** For a target that names the host itself, or a request that names none. */
  setHost(host: string): void {
    this.host = host;
    this.hostName = canonicalHost(host);
    this.hostPort = portOf(host);
  }
}

const noBytes = new Uint8Array(0);
const noNames: readonly string[] = [];

/**
 * Reads a head whose end the caller has seen. `head` is given the source with `reset`. Returns the index after the
 * empty line within the text, or the negated status of the answer, after which the connection closes.
 */
export function parseRequestHead(
  head: RequestHead,
  headers: HeaderList,
  dropsManaged: boolean,
): number {
  headers.beginParsed(head.text);
  head.lineEnd = parseRequestLine(head.bytes, head.start, head.text, head);
  if (head.lineEnd < 0) return head.lineEnd;
  const end = parseFields(head, head.lineEnd, headers, head, dropsManaged);
  if (end < 0) return end;
  return isConsistent(head) ? end : -400;
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
    head.isOriginForm = true;
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
    else if (kind === targetKind.normalise && (bytes[start + index] ?? 0) > 127) {
      head.queryNeedsEscaping = true;
    }
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
  head.setHost(authority);
  head.isOriginForm = false;
  if (bytes[start + index] === 47) return parsePathAndQuery(bytes, start, index, text, head);
  // No path: what follows is the query, if anything.
  const end = parsePathAndQuery(bytes, start, index, text, head);
  head.path = "/";
  return end;
}

/** -1 unless it is digits only, few enough to be exact. */
export function parseContentLength(value: string): number {
  if (value.length === 0 || value.length > 15) return -1;
  let length = 0;
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (!isDigit(code)) return -1;
    length = length * 10 + code - 48;
  }
  return length;
}

/** `chunked` twice or before another coding leaves the length open; other codings are not ours to undo. */
function refusalOfCoding(value: string): 400 | 501 {
  const codings = value.toLowerCase().split(",");
  const isMisplaced = codings.slice(0, -1).some((coding) => coding.trim() === "chunked");
  const isCodingList = codings.every((coding) =>
    /^[ \t]*[!#$%&'*+\-.^_`|~0-9a-z]+[ \t]*$/.test(coding),
  );
  return isCodingList && !isMisplaced ? 501 : 400;
}

/** Of HTTP/1.0, whose servers may not look for the body of these. */
const bodilessMethods = new Set(["GET", "HEAD", "DELETE"]);

function isConsistent(head: RequestHead): boolean {
  if (head.isChunked && (head.contentLength !== -1 || head.minorVersion === 0)) return false;
  // A client must not send content in TRACE (RFC 9110 §9.3.8).
  if (head.method === "TRACE" && (head.isChunked || head.contentLength > 0)) return false;
  if (head.minorVersion === 0) {
    if (head.contentLength > 0 && bodilessMethods.has(head.method)) return false;
    head.expectsContinue = false;
    head.wantsUpgrade = false;
    if (head.hostCount === 0 && head.isOriginForm) head.setHost("");
    return head.hostCount <= 1;
  }
  return head.hostCount === 1;
}
