/**
 * Byte streams as data: what is sent, and every byte that must come out on the other two sides of the gateway. One
 * character is one byte.
 */
import { hostname } from "node:os";

export interface RequestCase {
  readonly kind: "request";
  readonly what: string;
  /** What the client sends. */
  readonly sent: string;
  /** What upstreams receive, their connections one after the other. */
  readonly upstream: string;
  /** The request breaks in its body: upstreams receive a beginning of `upstream`, and not all of it. */
  readonly isCutShort: boolean;
  /** What the client receives up to the end of the connection. */
  readonly client: string;
  /** The client ends its half behind what it sent. */
  readonly endsHalf: boolean;
}

export interface ResponseCase {
  readonly kind: "response";
  readonly what: string;
  /** What the client asks first, on a connection that it keeps. */
  readonly asked: string;
  /** Sent when the answer has been heard; the upstream answers to the head alone then. undefined: there is no more. */
  readonly rest: string | undefined;
  /** What the upstream answers to it. */
  readonly answered: string;
  /** The upstream ends its connection behind that. */
  readonly endsConnection: boolean;
  /** What the client receives for it. */
  readonly client: string;
  /** The response breaks in its body: the client receives a beginning of `client`. */
  readonly isCutShort: boolean;
  /**
   * Where the client's next request goes: to the upstream connection of the first, to another one, or nowhere because
   * its own connection has ended.
   */
  readonly next: "same" | "other" | "none";
}

export type StreamCase = RequestCase | ResponseCase;

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  414: "Request URI Too Long",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  505: "HTTP Version Not Supported",
};

/** The answer of the gateway itself to a request it does not read on, without its Date. */
function refusalText(status: number, isInBody = false): string {
  const reason = reasons[status] ?? "";
  const body = isInBody ? reason : `${status} ${reason}`;
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

/** The answer of the gateway itself in place of the upstream's. */
export const badGateway =
  "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 11\r\n\r\nBad Gateway";

/** What the upstream of a request case answers to each request, and what the client receives for it. */
export const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
export const okAndClose = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

export const lastGet = "GET /last HTTP/1.1\r\nHost: z\r\nConnection: close\r\n\r\n";
export const smuggled = "GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n";
export const get = (fields: string) => `GET /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
export const post = (fields: string, body = "") =>
  `POST /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
export const chunkedPost = (body: string) => post("Transfer-Encoding: chunked\r\n", body);

interface Forwarded {
  readonly host?: string;
  readonly port?: string;
  /** The client's own field lines that travel on. */
  readonly fields?: string;
  /** Lines of the gateway that say how the body is framed, and whatever else it says by itself. */
  readonly framing?: string;
  readonly body?: string;
}

/** A request as an upstream receives it. */
export function forwarded(line: string, request: Forwarded = {}): string {
  const { host = "a", port = "80", fields = "", framing = "", body = "" } = request;
  const added = `X-Forwarded-Proto: http\r\nX-Forwarded-Server: ${hostname()}\r\nX-Real-Ip: 127.0.0.1\r\nX-Forwarded-Port: ${port}\r\nX-Forwarded-Host: ${host}\r\n`;
  return `${line} HTTP/1.1\r\nHost: ${host}\r\n${fields}${added}${framing}X-Forwarded-For: 127.0.0.1\r\n\r\n${body}`;
}

/** The same for a request that asks to change the protocol. */
export function forwardedUpgrade(upgrade: string, proto: "http" | "ws", fields = ""): string {
  const added = `X-Real-Ip: 127.0.0.1\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: a\r\nX-Forwarded-Server: ${hostname()}\r\n`;
  const asked = upgrade === "" ? "" : `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
  return `GET /p HTTP/1.1\r\nHost: a\r\n${fields}${added}${asked}X-Forwarded-For: 127.0.0.1\r\n\r\n`;
}

export const forwardedLast = forwarded("GET /last", { host: "z" });
export const forwardedGet = (fields = "") => forwarded("GET /p", { fields });
export const forwardedPost = (length: number, body: string, fields = "") =>
  forwarded("POST /p", { fields, framing: `Content-Length: ${length}\r\n`, body });
export const forwardedChunks = (body: string) =>
  forwarded("POST /p", { framing: "Transfer-Encoding: chunked\r\n", body });

/** Refused before anything of it goes anywhere. */
export function refused(what: string, sent: string, status = 400): RequestCase {
  const client = refusalText(status);
  return { kind: "request", what, sent, upstream: "", isCutShort: false, client, endsHalf: false };
}

/** The head is good, so that it may be on its way; `upstream` is what would have become of a body that was good. */
export function cutShort(what: string, sent: string, upstream: string): RequestCase {
  const client = refusalText(400, true);
  return { kind: "request", what, sent, upstream, isCutShort: true, client, endsHalf: false };
}

/** One good request, whatever it looks like; a plain one follows on the same connection. */
export function served(what: string, sent: string, upstream: string): RequestCase {
  return exactly(what, sent + lastGet, upstream + forwardedLast, okAnswer + okAndClose);
}

export function exactly(
  what: string,
  sent: string,
  upstream: string,
  client: string,
  endsHalf = false,
): RequestCase {
  return { kind: "request", what, sent, upstream, isCutShort: false, client, endsHalf };
}

interface Answered {
  readonly asked?: string;
  readonly rest?: string;
  readonly endsConnection?: boolean;
  readonly next?: ResponseCase["next"];
}

/** What the client receives for what the upstream answers. */
export function answered(
  what: string,
  answer: string,
  client: string,
  { asked = get(""), rest, endsConnection = false, next = "same" }: Answered = {},
): ResponseCase {
  const isCutShort = false;
  return {
    kind: "response",
    what,
    asked,
    rest,
    answered: answer,
    endsConnection,
    client,
    isCutShort,
    next,
  };
}

/** What came is no response: 502, and nothing more of that connection. */
export function brokenAnswer(what: string, answer: string, asked = get("")): ResponseCase {
  return answered(what, answer, badGateway, { asked, next: "other" });
}

/** The response breaks in its body: the client receives no more than `client`, and the end of its connection. */
export function cutAnswer(what: string, answer: string, client: string): ResponseCase {
  return { ...answered(what, answer, client, { next: "none" }), isCutShort: true };
}
