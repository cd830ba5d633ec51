/** Bodies whose chunks two readers could count differently (RFC 9112 §7.1). */
import {
  chunkedPost,
  cutShort,
  forwardedChunks,
  type StreamCase,
  served,
  smuggled,
} from "../stream-case.ts";

const lastChunk = "0\r\n\r\n";
const abc = `3\r\nabc\r\n${lastChunk}`;

const size = (text: string): StreamCase =>
  cutShort(
    `size ${JSON.stringify(text)}`,
    chunkedPost(`${text}\r\nabc\r\n${lastChunk}${smuggled}`),
    forwardedChunks(abc),
  );
const brokenBody = (what: string, body: string): StreamCase =>
  cutShort(what, chunkedPost(body), forwardedChunks(abc));
const goodBody = (what: string, body: string, upstream = abc): StreamCase =>
  served(what, chunkedPost(body), forwardedChunks(upstream));

export const chunkSizes: readonly StreamCase[] = [
  ...["3 ", " 3", "3\t", "+3", "-3", "0x3", "0X3", "x3", "3h", "3.", "3,3", "\xb3", "'3'"].map(
    size,
  ),
  ...["", "fffffffffffffffff", "10000000000000003", "0000000000003", "3\0", "\x0b3", "3_"].map(
    size,
  ),
  brokenBody("data longer than said", `3\r\nabcd\r\n${lastChunk}`),
  brokenBody("data shorter than said", `4\r\nabc\r\n${lastChunk}${smuggled}`),
  brokenBody("no line end behind the data", `3\r\nabc${lastChunk}`),
  brokenBody("data that ends with LF", `3\r\nabc\n${lastChunk}`),
  brokenBody("data that ends with CR", `3\r\nabc\r${lastChunk}`),
  brokenBody("data that ends with LF CR", `3\r\nabc\n\r${lastChunk}`),
  brokenBody("LF behind the size", `3\nabc\r\n${lastChunk}`),
  brokenBody("CR behind the size", `3\rabc\r\n${lastChunk}`),
  brokenBody("CR CR LF behind the size", `3\r\r\nabc\r\n${lastChunk}`),
  brokenBody("LF behind the last size", `3\r\nabc\r\n0\n\r\n${smuggled}`),
  brokenBody("LF at the end", `3\r\nabc\r\n0\r\n\n${smuggled}`),
  brokenBody("CR at the end", `3\r\nabc\r\n0\r\n\r${smuggled}`),
  brokenBody("an empty size at the end", `3\r\nabc\r\n\r\n\r\n${smuggled}`),
  brokenBody("an extension without a size", `3\r\nabc\r\n;a\r\n\r\n${smuggled}`),
  brokenBody("CR and more behind a size", `3\rXabc\r\n${lastChunk}`),
  brokenBody("CR and more behind the data", `3\r\nabc\rX${lastChunk}`),
  brokenBody("more and LF behind the data", `3\r\nabcX\n${lastChunk}`),
  brokenBody("two last chunks in one line", `3\r\nabc\r\n00 0\r\n\r\n${smuggled}`),
  goodBody(
    "capitals and zeros",
    `00A\r\n0123456789\r\n000\r\n\r\n`,
    `a\r\n0123456789\r\n${lastChunk}`,
  ),
  goodBody("several chunks", `1\r\na\r\n2\r\nbc\r\n${lastChunk}`),
  goodBody(
    "a request in a chunk",
    `${smuggled.length.toString(16)}\r\n${smuggled}\r\n${lastChunk}`,
    `${smuggled.length.toString(16)}\r\n${smuggled}\r\n${lastChunk}`,
  ),
  goodBody(
    "a last chunk as data",
    `5\r\n${lastChunk}\r\n${lastChunk}`,
    `5\r\n${lastChunk}\r\n${lastChunk}`,
  ),
];

const extension = (text: string): StreamCase =>
  brokenBody(`extension ${JSON.stringify(text)}`, `3${text}\r\nabc\r\n${lastChunk}${smuggled}`);
const goodExtension = (text: string): StreamCase =>
  goodBody(`extension ${JSON.stringify(text)} does not travel`, `3${text}\r\nabc\r\n${lastChunk}`);

export const chunkExtensions: readonly StreamCase[] = [
  ...[";", ";;", ";a;", ";a=", ";=b", ";a=b=c", " ;a", ";a =b", "; a", ";a ", ";a b"].map(
    extension,
  ),
  ...[";a\n", ";\nx", ";a\r", ";a\0", ";a=\x01", ';a="b', ';a="b"c', ";a='b c'", ";a=(b)"].map(
    extension,
  ),
  ...[';a="\n"', ';a="\r\nabc"', ";\xe9", `;${"a".repeat(1_100)}`, `;a="${"\\x".repeat(600)}"`].map(
    extension,
  ),
  brokenBody("LF in an extension that hides a chunk", `3;\nabc\r\n${lastChunk}${smuggled}`),
  brokenBody("an extension of the last chunk that breaks", `3\r\nabc\r\n0;\n\r\n\r\n${smuggled}`),
  brokenBody(
    "more extensions than data",
    `${`1;${"a".repeat(1_000)}\r\na\r\n`.repeat(18)}${lastChunk}`,
  ),
  ...[";a", ";a=b", ";a;b=c;d", ';a="b c"', ';a="b;\\"c"', ';a="b"', ';a="";b'].map(goodExtension),
  goodBody("an extension of the last chunk does not travel", `3\r\nabc\r\n0;a=b\r\n\r\n`),
];

const trailer = (what: string, lines: string): StreamCase =>
  brokenBody(what, `3\r\nabc\r\n0\r\n${lines}\r\n${smuggled}`);
const trailers = (what: string, lines: string, kept: string): StreamCase =>
  goodBody(what, `3\r\nabc\r\n0\r\n${lines}\r\n`, `3\r\nabc\r\n0\r\n${kept}\r\n`);
const dropped = (name: string): StreamCase =>
  trailers(`trailer ${name} does not travel`, `${name}: 1\r\nX-Sum: 2\r\n`, "X-Sum: 2\r\n");

/** Trailers say nothing that belongs into a head (RFC 9110 §6.5.1). */
export const chunkTrailers: readonly StreamCase[] = [
  trailer("a length", "Content-Length: 3\r\n"),
  trailer("a coding", "Transfer-Encoding: chunked\r\n"),
  trailer("a length with an underscore", "content_length: 3\r\n"),
  trailer("no colon", "abc\r\n"),
  trailer("a fold", "A: b\r\n c\r\n"),
  trailer("a fold first", " A: b\r\n"),
  trailer("a space before the colon", "A : b\r\n"),
  trailer("an empty name", ": b\r\n"),
  trailer("a control character", "A: \x01\r\n"),
  trailer("NUL in a name", "A\0: b\r\n"),
  trailer("LF in a value", "A: b\nC: d\r\n"),
  trailer("CR in a value", "A: b\rC: d\r\n"),
  trailer("LF at the end of a line", "A: b\n"),
  trailer("too much of them", `A: ${"b".repeat(17_000)}\r\n`),
  trailer("too many of them", "a:\r\n".repeat(1_001)),
  ...["Range", "content_type", "Host", "Connection", "Trailer", "Authorization"].map(dropped),
  ...[
    "Cookie",
    "Content-Type",
    "X-Forwarded-For",
    "x_real_ip",
    "proxy_authorization",
    "Expect",
  ].map(dropped),
  ...["Upgrade", "TE", "Keep-Alive", "Proxy-Authorization", "Forwarded", "Set-Cookie"].map(dropped),
  trailers("trailers travel", "X-Sum:1\r\nX-More: \t2 \r\n", "X-Sum: 1\r\nX-More: 2\r\n"),
  trailers("no trailers", "", ""),
];
