/**
 * Answers that come while the request's body is still on its way (RFC 9112 §9.5): the rest of the body belongs to no
 * other request, and the upstream, which may have read none of it, is not asked again on that connection.
 */
import {
  answered,
  badGateway,
  get,
  lastGet,
  post,
  type StreamCase,
  smuggled,
} from "../stream-case.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
const tooLarge = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n";
const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const goOn = "HTTP/1.1 100 Continue\r\n\r\n";

const half = (length: number) => post(`Content-Length: ${length}\r\n`, "12345");
const chunked = post("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n");

interface Early {
  readonly asked?: string;
  readonly rest: string;
  readonly client?: string;
  readonly endsConnection?: boolean;
  readonly next?: "other" | "none";
}

function early(
  what: string,
  answer: string,
  { asked, rest, client, ...others }: Early,
): StreamCase {
  return answered(what, answer, client ?? answer, {
    asked: asked ?? half(10),
    rest,
    next: "other",
    ...others,
  });
}

export const earlyResponses: readonly StreamCase[] = [
  early("the rest of a body follows", ok, { rest: "67890" }),
  early("one byte is missing", ok, { asked: half(6), rest: "6" }),
  early("a rest that is a request", ok, {
    asked: half(5 + smuggled.length),
    rest: smuggled,
  }),
  early("a rest that is the end of a connection", ok, {
    asked: half(5 + lastGet.length),
    rest: lastGet,
  }),
  early("the rest of the chunks follows", ok, { asked: chunked, rest: "5\r\n67890\r\n0\r\n\r\n" }),
  early("a chunk that is a request", ok, {
    asked: chunked,
    rest: `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  }),
  early("trailers of the rest go nowhere", ok, { asked: chunked, rest: "0\r\nX: y\r\n\r\n" }),
  early("a rest that breaks", ok, { asked: chunked, rest: `3\nabc${smuggled}`, next: "none" }),
  early("a rest without a size", ok, { asked: chunked, rest: smuggled, next: "none" }),
  early("a rest too large to be read for nothing", ok, {
    asked: half(600_000),
    rest: "x".repeat(300_000),
    next: "none",
  }),
  early("no body at all yet", ok, { asked: post("Content-Length: 5\r\n"), rest: "12345" }),
  early("413", tooLarge, { rest: "67890" }),
  early("413 that closes", tooLarge.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), {
    rest: "67890",
    client: tooLarge,
  }),
  early("an upstream that ends its connection", ok, { rest: "67890", endsConnection: true }),
  early("chunks", chunks, { rest: "67890" }),
  early("204", "HTTP/1.1 204 No Content\r\n\r\n", { rest: "67890" }),
  early("interim responses first", `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}`, {
    rest: "67890",
  }),
  early("more than a response", `${ok}${ok}`, { rest: "67890", client: ok }),
  early("a broken one", "HTTP/1.1 2x0 OK\r\n\r\n", { rest: "67890", client: badGateway }),
  early("an end without a response", "", {
    rest: "67890",
    client: badGateway,
    endsConnection: true,
  }),
  early("a body that waits for 100", ok, {
    asked: post("Expect: 100-continue\r\nContent-Length: 5\r\n"),
    rest: "12345",
    client: goOn + ok,
  }),
  answered("behind the last byte it is not early", ok, ok, { asked: get(""), next: "same" }),
];
