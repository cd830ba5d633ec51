/** Mistakes an engine of HTTP/1.1 can have, each in the place where it would be. */
import type { Mutation } from "../support/mutated-modules.ts";

interface Mistake extends Mutation {
  readonly what: string;
}

const mistakesIn =
  (file: string) =>
  (what: string, replace: string, by: string): Mistake => ({ what, file, replace, by });

const bytes = mistakesIn("data-plane/http/byte-class.ts");
const fields = mistakesIn("data-plane/http/parse-fields.ts");
const head = mistakesIn("data-plane/http/parse-request-head.ts");
const host = mistakesIn("data-plane/http/canonical-host.ts");
const chunks = mistakesIn("data-plane/http/chunked-decoder.ts");
const trailers = mistakesIn("data-plane/http/parse-trailers.ts");
const partial = mistakesIn("data-plane/http/head-buffer.ts");
const connection = mistakesIn("data-plane/http/http1-connection.ts");
const exchange = mistakesIn("data-plane/http/http1-exchange.ts");
const list = mistakesIn("data-plane/http/header-list.ts");
const written = mistakesIn("data-plane/upstream/write-request-head.ts");
const response = mistakesIn("data-plane/upstream/parse-response-head.ts");
const upstream = mistakesIn("data-plane/upstream/upstream-connection.ts");

export const mistakes: readonly Mistake[] = [
  bytes("DEL in values", "byte >= 32 && byte !== 127", "byte >= 32"),
  bytes(
    "control characters in values",
    "byte === 9 || (byte >= 32",
    "byte === 11 || byte === 9 || (byte >= 32",
  ),
  bytes("fragments in targets", " || byte === 35", ""),
  fields(
    "blanks before a colon",
    "if (bytes[index] !== colon)",
    "const nameStop = index;\nwhile (bytes[index] === space) index += 1;\nif (bytes[index] !== colon)",
  ),
  fields(
    "LF as a line end",
    "if (byte !== carriageReturn || bytes[index + 1]",
    "if (byte === lineFeed) index -= 1;\nelse if (byte !== carriageReturn || bytes[index + 1]",
  ),
  fields("fields without end", "const maxFields = 1_000", "const maxFields = 100_000"),
  fields("what a client says of forwarding", "=== 1 && dropsManaged", "=== 1 && !dropsManaged"),
  head("a second length", "if (this.contentLength !== -1) return 400;", ""),
  head("lists of lengths", "if (!isDigit(code)) return -1;", "if (!isDigit(code)) break;"),
  head("an empty length", "value.length === 0 || value.length > 15", "value.length > 15"),
  head(
    "lengths beyond any number",
    "value.length === 0 || value.length > 15",
    "value.length === 0",
  ),
  head("a length with an underscore", "case -headerId.contentLength:\n", ""),
  head("a coding with an underscore", "case -headerId.transferEncoding:\n", ""),
  head(
    "chunked among other codings",
    'value.toLowerCase() === "chunked"',
    'value.toLowerCase().includes("chunked")',
  ),
  head(
    "a coding in small letters only",
    'value.toLowerCase() === "chunked"',
    'value === "chunked"',
  ),
  head("a second coding", "if (this.isChunked) return 400;", ""),
  head(
    "both framings",
    "(head.contentLength !== -1 || head.minorVersion === 0)",
    "head.minorVersion === 0",
  ),
  head(
    "chunked in HTTP/1.0",
    "(head.contentLength !== -1 || head.minorVersion === 0)",
    "head.contentLength !== -1",
  ),
  head(
    "bodies of GET in HTTP/1.0",
    "head.contentLength > 0 && bodilessMethods",
    "head.contentLength > 9 && bodilessMethods",
  ),
  head("bodies of TRACE", 'head.method === "TRACE"', 'head.method === "trace"'),
  head(
    "upgrades of HTTP/1.0",
    "head.wantsUpgrade = false;\n    if (head.hostCount",
    "if (head.hostCount",
  ),
  head("two Hosts", "return head.hostCount === 1;", "return head.hostCount >= 1;"),
  head("no Host", "return head.hostCount === 1;", "return head.hostCount <= 1;"),
  head("an empty Host", 'if (value === "") return 400;', ""),
  head("any Host", "end === -1 && !isValidHost(value)", "end === -1 && value.length > 999"),
  head("Host before the target's own", "head.isOriginForm = false;", ""),
  head("user names in targets", 'authority === "" || !isValidHost(authority)', 'authority === ""'),
  head("minor versions to come", "major !== 49 || minor > 49", "major !== 49"),
  head("CONNECT", 'if (head.method === "CONNECT") return -501;', ""),
  head(
    "several spaces before a target",
    "index += 1;\n  const targetStart",
    "while (bytes[start + index] === space) index += 1;\n  const targetStart",
  ),
  host("empty labels", ' || host.includes("..")', ""),
  chunks("sizes beyond any number", "return this.#digits <= maxSizeDigits;", "return true;"),
  chunks("an empty size", "if (this.#digits === 0) return false;", ""),
  chunks(
    "anything behind a size",
    "this.#excessBytes - this.#remaining);\n        return byte === lineFeed;",
    "this.#excessBytes - this.#remaining);\n        return true;",
  ),
  chunks(
    "CR and anything behind the data",
    "this.#state = state.size;\n        return byte === lineFeed;",
    "this.#state = state.size;\n        return true;",
  ),
  chunks(
    "anything and LF behind the data",
    "this.#state = state.dataLineFeed;\n        return byte === carriageReturn;",
    "this.#state = state.dataLineFeed;\n        return true;",
  ),
  chunks(
    "any extension",
    "this.#extensionBytes <= maxExtensionBytes && this.#stepExtension(byte)",
    "(byte === 13 ? this.#stepExtension(byte) : byte !== 10)",
  ),
  chunks("extensions without end", "if (this.#excessBytes > maxExcessBytes) return false;", ""),
  chunks(
    "an end without CR",
    "this.#state = byte === carriageReturn ? state.lastLineFeed",
    "if (byte === lineFeed) return this.#finish();\n        this.#state = byte === carriageReturn ? state.lastLineFeed",
  ),
  trailers("any trailer", "!headOnly.has(name)", "name !== ''"),
  trailers("framing in trailers", "transferEncoding ? 400 : 0", "transferEncoding ? 0 : 0"),
  trailers(
    "fields of a connection in trailers, with underscores",
    "isSentByEngine[knownHeaderId(name)] !== 1 && ",
    "",
  ),
  partial("an end that comes in two pieces", "this.#searchedTo - 3", "this.#searchedTo"),
  partial("LF in a head that is not all there", "bytes[index - 1] !== 13", "index < 0"),
  connection(
    "empty lines without end",
    "if (bytes[start] === 13 &&",
    "while (bytes[start] === 13 &&",
  ),
  connection("requests behind the last", "head.wantsClose ||\n", ""),
  connection(
    "what is left of a piece",
    "if (start + length < bytes.length) this.#leave",
    "if (start + length > bytes.length) this.#leave",
  ),
  connection(
    "bytes that are not its own any more",
    "Buffer.from(this.#input.subarray(this.#inputStart))",
    "this.#input.subarray(this.#inputStart)",
  ),
  connection("h2c", "allowedUpgrade(head.upgrade)", "head.upgrade"),
  connection(
    "heads of any size",
    "end + 4 - start <= maxHeaderBytes ? 0 : 431",
    "end > start ? 0 : 431",
  ),
  exchange("a body of HEAD", 'this.method === "HEAD" || status', "status"),
  list(
    "fields of one connection",
    "if (isSentByEngine[id] === 1) continue;",
    "if (isSentByEngine[id] === 1 && id !== 3) continue;",
  ),
  written(
    "a length of nothing",
    'exchange.requestFraming === "length"',
    "exchange.requestLength > 0",
  ),
  response(
    "both framings of a response",
    "(head.contentLength !== -1 || head.minorVersion === 0)",
    "head.minorVersion === 0",
  ),
  response("a second length of a response", "if (this.contentLength !== -1) return 502;", ""),
  response(
    "codings of a response",
    'this.isChunked || value.toLowerCase() !== "chunked"',
    "this.isChunked || value.length > 999",
  ),
  response(
    "what Connection names in a response",
    "for (const name of head.connectionNames) headers.delete(name);",
    "",
  ),
  upstream(
    "chunks of a body with a length",
    'const isChunked = this.#exchange?.requestFraming === "chunked"',
    'const isChunked = this.#exchange?.requestFraming !== "none"',
  ),
  upstream("more than a response", "isAllRead &&\n", "isAllRead !== undefined &&\n"),
  upstream("a body behind 204", "!this.#mayHaveStrayBody(exchange)", "exchange !== undefined"),
  upstream("a connection that closes", "const isKept = !head.wantsClose &&", "const isKept ="),
  upstream(
    "1xx without end",
    "this.#informationalResponses === maxInformationalResponses",
    "this.#informationalResponses < 0",
  ),
  upstream(
    "a change nobody asked for",
    "!wantsUpgrade || !isAskedFor(upgrade, exchange.upgradeProtocol)",
    "!wantsUpgrade",
  ),
  upstream("an answer before its request", "this.#isRequestDone &&\n", "isAllRead &&\n"),
  upstream(
    "an end before the last chunk",
    'exchange !== undefined && this.#phase === "untilClose"',
    'exchange !== undefined && this.#phase !== "head"',
  ),
];
