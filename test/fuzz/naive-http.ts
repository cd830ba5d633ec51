/**
 * HTTP/1.1 read the plain way: whole texts, regular expressions, the rules one after another as RFC 9112 and RFC 9110
 * have them where they protect. Slow, and nothing of it is shared with the engine it judges.
 */
import { isIPv6 } from "node:net";

export interface NaiveMessage {
  /** `GET /p` or `200 OK`. */
  readonly start: string;
  readonly minor: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly framing: "none" | "length" | "chunked" | "untilClose";
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** Messages that are whole and good, and what is behind them. */
export interface NaiveStream {
  readonly messages: readonly NaiveMessage[];
  /**
   * end: nothing. refused: a whole head that is not good. open: what may yet become a message, or never will. body: a good
   * head whose body is not there, or not good. closed: whatever it is, the message before was the last.
   */
  readonly rest: "end" | "refused" | "open" | "body" | "closed";
}

/** Where the plain way and a limit of the engine may differ, so that nothing is asked of it. */
export class UnsureError extends Error {}

type Fields = readonly (readonly [string, string])[];

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const isToken = new RegExp(`^${token}$`);
const requestLine = new RegExp(`^(${token}) ([!-"$-~\\x80-\\xff]+) HTTP/1\\.([01])\\r\\n`);
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t -~\x80-\xff]*))?\r\n/;
const visible = "[!-~\\x80-\\xff]";
const fieldLine = new RegExp(
  `(${token}):[ \\t]*(${visible}(?:[\\t -~\\x80-\\xff]*${visible})?|)[ \\t]*\\r\\n`,
  "y",
);
const quoted = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const chunkLine = new RegExp(
  `([0-9A-Fa-f]{1,12})((?:;${token}(?:=(?:${token}|${quoted}))?)*)\\r\\n`,
  "y",
);
const registeredName = /^(?:[\w\-.~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;

function fieldsAt(text: string, from: number): { fields: Fields; end: number } | undefined {
  const fields: (readonly [string, string])[] = [];
  fieldLine.lastIndex = from;
  let end = from;
  for (let line = fieldLine.exec(text); line !== null; line = fieldLine.exec(text)) {
    if (isFraming(line[1] ?? "") && line[0].includes("\t")) return undefined;
    fields.push([line[1] ?? "", line[2] ?? ""]);
    end = fieldLine.lastIndex;
  }
  if (fields.length > 900) throw new UnsureError("many fields");
  return text.startsWith("\r\n", end) ? { fields, end: end + 2 } : undefined;
}

export function valuesOf(fields: Fields, name: string): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
}

/** In either spelling. */
function isFraming(name: string): boolean {
  return /^(?:content[-_]length|transfer[-_]encoding)$/i.test(name);
}

function hasUnderscored(fields: Fields): boolean {
  return fields.some(([name]) => name.includes("_") && isFraming(name));
}

function isGoodHost(host: string): boolean {
  const [, bracketed, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  if (bracketed !== undefined) return isIPv6(bracketed) && !bracketed.includes("%");
  if (name === undefined || !registeredName.test(name)) return false;
  return !name.startsWith(".") && !name.includes("..");
}

function isGoodTarget(method: string, target: string): boolean {
  if (method === "CONNECT") return false;
  if (target === "*") return method === "OPTIONS";
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute !== null && !isGoodHost(absolute[1] ?? "")) return false;
  const path = absolute === null ? target : absolute[2] || "/";
  if (!path.startsWith("/") && !(absolute !== null && path.startsWith("?"))) return false;
  return !/%(?![0-9A-Fa-f]{2})/.test(path.split("?")[0] ?? "");
}

const lists = (values: readonly string[]) =>
  values.flatMap((value) =>
    value.split(",").map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, "")),
  );

export function connectionOptions(fields: Fields): string[] {
  return lists(valuesOf(fields, "connection"))
    .filter((name) => name !== "")
    .map((name) => name.toLowerCase());
}

const isGoodConnection = (fields: Fields) =>
  connectionOptions(fields).every((name) => isToken.test(name)) &&
  connectionOptions(fields).length <= 32;

/** undefined: neither is good. */
function framingOf(fields: Fields, minor: number) {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (lengths.length + codings.length > 1) return undefined;
  const [length] = lengths;
  const [coding] = codings;
  if (coding !== undefined) {
    return coding.toLowerCase() === "chunked" && minor === 1 ? ("chunked" as const) : undefined;
  }
  if (length === undefined) return "none" as const;
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

function isGoodRequest(method: string, target: string, minor: number, fields: Fields): boolean {
  const framing = framingOf(fields, minor);
  if (framing === undefined || hasUnderscored(fields) || !isGoodConnection(fields)) return false;
  const hasBody = framing === "chunked" || (framing !== "none" && framing > 0);
  if (method === "TRACE" && hasBody) return false;
  if (minor === 0 && hasBody && ["GET", "HEAD", "DELETE"].includes(method)) return false;
  const expected = valuesOf(fields, "expect");
  if (expected.length > 1 || expected.some((value) => value.toLowerCase() !== "100-continue"))
    return false;
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1 || (minor === 1 && hosts.length !== 1)) return false;
  return hosts.every((host) => host !== "" && isGoodHost(host)) && isGoodTarget(method, target);
}

interface Body {
  readonly body: string;
  readonly trailers: Fields;
  readonly end: number;
}

function chunkedAt(text: string, from: number): Body | undefined {
  let body = "";
  let at = from;
  for (;;) {
    chunkLine.lastIndex = at;
    const line = chunkLine.exec(text);
    if (line === null) return undefined;
    if ((line[2] ?? "").length > 900) throw new UnsureError("long extensions");
    at = chunkLine.lastIndex;
    const size = Number.parseInt(line[1] ?? "", 16);
    if (size === 0) break;
    body += text.slice(at, at + size);
    at += size;
    if (!text.startsWith("\r\n", at)) return undefined;
    at += 2;
  }
  const section = fieldsAt(text, at);
  if (section === undefined || section.fields.some(([name]) => isFraming(name))) return undefined;
  return { body, trailers: section.fields, end: section.end };
}

export function readRequests(stream: string): NaiveStream {
  const messages: NaiveMessage[] = [];
  let at = 0;
  for (;;) {
    if (at === stream.length) return { messages, rest: "end" };
    if (stream.startsWith("\r\n", at)) at += 2;
    const headEnd = stream.indexOf("\r\n\r\n", at);
    if (headEnd === -1) return { messages, rest: "open" };
    const text = stream.slice(at);
    const line = requestLine.exec(text);
    if (line === null) return { messages, rest: "refused" };
    const [, method = "", target = "", digit = ""] = line;
    const minor = Number(digit);
    const head = fieldsAt(text, line[0].length);
    if (head === undefined || !isGoodRequest(method, target, minor, head.fields)) {
      return { messages, rest: "refused" };
    }
    const { fields } = head;
    const framing = framingOf(fields, minor) ?? "none";
    const body = bodyAt(text, head.end, framing);
    if (body === undefined) return { messages, rest: "body" };
    const kind = typeof framing === "number" ? "length" : framing;
    const start = `${method} ${target}`;
    messages.push({
      start,
      minor,
      fields,
      framing: kind,
      body: body.body,
      trailers: body.trailers,
    });
    at += body.end;
    const options = connectionOptions(fields);
    const isKept = minor === 1 ? true : options.includes("keep-alive");
    if (!isKept || options.includes("close")) return { messages, rest: "closed" };
  }
}

function bodyAt(
  text: string,
  from: number,
  framing: number | "none" | "chunked",
): Body | undefined {
  if (framing === "chunked") return chunkedAt(text, from);
  const length = framing === "none" ? 0 : framing;
  if (text.length < from + length) return undefined;
  return { body: text.slice(from, from + length), trailers: [], end: from + length };
}

/** The responses to one request each, read to the end of the connection. 1xx are messages of their own. */
export function readResponses(stream: string, methods: readonly string[]): NaiveStream {
  const messages: NaiveMessage[] = [];
  let at = 0;
  for (let answered = 0; answered < methods.length; ) {
    const text = stream.slice(at);
    if (text === "") return { messages, rest: "end" };
    const line = statusLine.exec(text);
    const head = line === null ? undefined : fieldsAt(text, line[0].length);
    if (line === null || head === undefined) return { messages, rest: "refused" };
    const [, digit = "", status = "", reason = ""] = line;
    const { fields } = head;
    const framing = framingOf(fields, Number(digit));
    if (framing === undefined || !isGoodConnection(fields)) return { messages, rest: "refused" };
    const common = { start: `${status} ${reason}`, minor: Number(digit), fields };
    const isInformational = status.startsWith("1");
    if (isInformational || methods[answered] === "HEAD" || status === "204" || status === "304") {
      messages.push({ ...common, framing: "none", body: "", trailers: [] });
      at += head.end;
    } else if (framing === "none") {
      messages.push({ ...common, framing: "untilClose", body: text.slice(head.end), trailers: [] });
      return { messages, rest: "closed" };
    } else {
      const body = bodyAt(text, head.end, framing);
      if (body === undefined) return { messages, rest: "body" };
      const kind = typeof framing === "number" ? "length" : framing;
      messages.push({ ...common, framing: kind, body: body.body, trailers: body.trailers });
      at += body.end;
    }
    if (!isInformational) answered += 1;
  }
  return { messages, rest: at === stream.length ? "end" : "open" };
}
