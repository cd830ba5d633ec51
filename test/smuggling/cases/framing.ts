/** Requests that two readers could end at different places: both framings, codings in disguise, lengths. */
import {
  chunkedPost,
  exactly,
  forwarded,
  forwardedChunks,
  forwardedGet,
  forwardedLast,
  forwardedPost,
  get,
  lastGet,
  okAnswer,
  post,
  refused,
  type StreamCase,
  served,
  smuggled,
} from "../stream-case.ts";

const lastChunk = "0\r\n\r\n";
const clTe = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n";
const teCl = "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n";

/** CL.TE and TE.CL: whichever of the two counts, the message is refused (RFC 9112 §6.1). */
export const bothFramings: readonly StreamCase[] = [
  refused("CL.TE", post(clTe, `0\r\n\r\nG${smuggled}`)),
  refused("TE.CL", post(teCl, `5c\r\n${smuggled}\r\n0\r\n\r\n`)),
  refused("length 0 and chunked", post(`Content-Length: 0\r\n${teCl.slice(0, 28)}`, lastChunk)),
  refused("small letters", post(clTe.toLowerCase(), lastChunk + smuggled)),
  refused("capitals", post(clTe.toUpperCase(), lastChunk + smuggled)),
  refused("mixed letters", post("cOnTeNt-LeNgTh: 6\r\ntRaNsFeR-eNcOdInG: ChUnKeD\r\n", lastChunk)),
  refused("fields between", post(`Content-Length: 6\r\nX: y\r\n${teCl.slice(0, 28)}`, lastChunk)),
  refused("without spaces", post("Content-Length:6\r\nTransfer-Encoding:chunked\r\n", lastChunk)),
  refused("with tabs", post("Content-Length:\t6\r\nTransfer-Encoding:\tchunked\r\n", lastChunk)),
  refused("on a GET", get(clTe) + lastChunk + smuggled),
  refused("in HTTP/1.0", `POST /p HTTP/1.0\r\nHost: a\r\n${clTe}\r\n${lastChunk}`),
  refused("chunked alone in HTTP/1.0", `POST /p HTTP/1.0\r\n${teCl.slice(0, 28)}\r\n${lastChunk}`),
  refused("named in Connection", post(`Connection: Content-Length\r\n${clTe}`, lastChunk)),
  refused("coding named in Connection", post(`Connection: Transfer-Encoding\r\n${clTe}`)),
  refused("length with an underscore", post(`Content_Length: 6\r\n${teCl.slice(0, 28)}`)),
  refused("coding with an underscore", post("Content-Length: 6\r\nTransfer_Encoding: chunked\r\n")),
  refused("only a length with an underscore", post("Content_Length: 44\r\n", smuggled)),
  refused("a coding with an underscore only", post("TRANSFER_ENCODING: chunked\r\n", lastChunk)),
  exactly(
    "behind a good request",
    get("") + post(clTe, lastChunk + smuggled),
    forwardedGet(),
    okAnswer + refused("", "").client,
  ),
];

const coding = (value: string, status = 400): StreamCase =>
  refused(
    `Transfer-Encoding: ${JSON.stringify(value)}`,
    post(`Transfer-Encoding: ${value}\r\n`, lastChunk + smuggled),
    status,
  );

/** TE.TE: a coding that one reader takes for chunked and another does not (RFC 9112 §6.1, §7). */
export const codings: readonly StreamCase[] = [
  ...["xchunked", "chunke", "identity", "gzip", "gzip, chunked", "chunked-x", "cow"].map((value) =>
    coding(value, 501),
  ),
  ...["\x0bchunked", "chunked\x0c", "chunked\0", "\x85chunked", '"chunked"', "'chunked'x y"].map(
    (value) => coding(value),
  ),
  ...["chunked, identity", "chunked, chunked", ",chunked", "chunked,", "", "chunked;q=1"].map(
    (value) => coding(value),
  ),
  ...["chunked chunked", "[chunked]", "chun\tked", "\xc2\xa0chunked", "{chunked}", "chunked="].map(
    (value) => coding(value),
  ),
  refused("two lines", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", lastChunk)),
  refused("cow first", post("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n"), 501),
  refused(
    "chunked twice",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", lastChunk),
  ),
  refused("a space before the colon", post("Transfer-Encoding : chunked\r\n", lastChunk)),
  refused("a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", lastChunk)),
  refused("NUL before the colon", post("Transfer-Encoding\0: chunked\r\n", lastChunk)),
  refused("a space before the name", post("X: y\r\n Transfer-Encoding: chunked\r\n", lastChunk)),
  refused("on a folded line", post("Transfer-Encoding:\r\n chunked\r\n", lastChunk)),
  refused("a tab before it", post("Transfer-Encoding:\tchunked\r\n", lastChunk)),
  refused("a tab behind it", post("Transfer-Encoding: chunked\t\r\n", lastChunk)),
  refused("behind LF", post("X: y\nTransfer-Encoding: chunked\r\n", lastChunk)),
  refused("behind CR", post("X: y\rTransfer-Encoding: chunked\r\n", lastChunk)),
  served(
    "blanks around it",
    post("Transfer-Encoding:   chunked  \r\n", lastChunk),
    forwardedChunks(lastChunk),
  ),
  served("capitals", post("TRANSFER-ENCODING:CHUNKED\r\n", lastChunk), forwardedChunks(lastChunk)),
];

const length = (value: string): StreamCase =>
  refused(`Content-Length: ${JSON.stringify(value)}`, post(`Content-Length: ${value}\r\n`, "abc"));

/** Lengths that two readers take for two numbers (RFC 9110 §8.6, RFC 9112 §6.3). */
export const lengths: readonly StreamCase[] = [
  ...["+3", "-3", "0x3", "3e0", "3.0", "3 0", "3,3", "3, 40", ",3", "3,", "3;", ""].map(length),
  ...["\xd9\xa3", "three", "3\0", "\x0b3", "18446744073709551619", "9999999999999999"].map(length),
  ...["1_000", "'3'", '"3"', "0b11", "3\x0c", "\xa03"].map(length),
  refused("twice", post("Content-Length: 3\r\nContent-Length: 40\r\n", `abc${smuggled}`)),
  refused("twice the same", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")),
  refused("twice, spelled twice", post("Content-Length: 3\r\ncontent-length: 03\r\n", "abc")),
  refused("a space before the colon", post("Content-Length : 3\r\n", "abc")),
  refused("a tab before it", post("Content-Length:\t3\r\n", "abc")),
  refused("a tab behind it", post("Content-Length: 3\t\r\n", "abc")),
  refused("on a folded line", post("Content-Length:\r\n 3\r\n", "abc")),
  served("leading zeros", post("Content-Length: 003\r\n", "abc"), forwardedPost(3, "abc")),
  served("blanks around it", post("Content-Length:  3 \r\n", "abc"), forwardedPost(3, "abc")),
  served(
    "a body that is a request",
    post(`Content-Length: ${smuggled.length}\r\n`, smuggled),
    forwardedPost(smuggled.length, smuggled),
  ),
];

const bodyOf = (method: string, fields: string, body: string) =>
  `${method} /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const three = "Content-Length: 3\r\n";
const lengthOf = (method: string): StreamCase =>
  served(
    `${method} with a length takes its body with it`,
    bodyOf(method, three, "abc"),
    forwarded(`${method} /p`, { framing: three, body: "abc" }),
  );

/** CL.0: a body that a server may not look for (RFC 9110 §9.3, RFC 9112 §6). */
export const unexpectedBodies: readonly StreamCase[] = [
  ...["GET", "DELETE", "OPTIONS", "PUT", "PATCH", "PROPFIND", "get", "X"].map(lengthOf),
  served("no body and no length", post(""), forwarded("POST /p")),
  served("a length of 0", post("Content-Length: 0\r\n"), forwardedPost(0, "")),
  served(
    "a length of 0 on a GET",
    get("Content-Length: 0\r\n"),
    forwarded("GET /p", { framing: "Content-Length: 0\r\n" }),
  ),
  served(
    "chunks of a GET",
    bodyOf("GET", "Transfer-Encoding: chunked\r\n", `3\r\nabc\r\n${lastChunk}`),
    forwarded("GET /p", {
      framing: "Transfer-Encoding: chunked\r\n",
      body: `3\r\nabc\r\n${lastChunk}`,
    }),
  ),
  exactly(
    "without a length what follows is the next request",
    post("", smuggled) + lastGet,
    forwarded("POST /p") + forwarded("GET /smuggled", { host: "s" }) + forwardedLast,
    `${okAnswer}${okAnswer}HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`,
  ),
  refused("TRACE with a body", bodyOf("TRACE", three, "abc")),
  refused("TRACE with chunks", bodyOf("TRACE", "Transfer-Encoding: chunked\r\n", lastChunk)),
  refused("GET of HTTP/1.0 with a body", `GET /p HTTP/1.0\r\nHost: a\r\n${three}\r\nabc`),
  refused("HEAD of HTTP/1.0 with a body", `HEAD /p HTTP/1.0\r\n${three}\r\nabc`),
  refused("DELETE of HTTP/1.0 with a body", `DELETE /p HTTP/1.0\r\n${three}\r\nabc`),
  served("a GET without anything", get(""), forwardedGet()),
  served("chunks without data", chunkedPost(lastChunk), forwardedChunks(lastChunk)),
];
