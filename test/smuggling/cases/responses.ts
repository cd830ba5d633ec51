/** What upstreams answer: read as strictly as requests, so that no answer is taken for a part of another. */
import { answered, brokenAnswer, cutAnswer, type StreamCase } from "../stream-case.ts";

const ok = "HTTP/1.1 200 OK\r\n";
const plain = `${ok}Content-Length: 3\r\n\r\nabc`;
const withFields = (fields: string, body = "") => `${ok}${fields}\r\n${body}`;
const chunked = (body: string) => withFields("Transfer-Encoding: chunked\r\n", body);
const chunks = chunked("3\r\nabc\r\n0\r\n\r\n");
const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

const badLine = (line: string): StreamCase =>
  brokenAnswer(JSON.stringify(line), `${line}\r\nContent-Length: 0\r\n\r\n`);
const badField = (field: string): StreamCase =>
  brokenAnswer(
    `field ${JSON.stringify(field)}`,
    withFields(`${field}\r\nContent-Length: 3\r\n`, "abc"),
  );

/** RFC 9112 §4, §5. */
export const responseHeads: readonly StreamCase[] = [
  ...["ICY 200 OK", "HTTP/2.0 200 OK", "HTTP/1.2 200 OK", "HTTP/1.10 200 OK", "HTTP/1 200 OK"].map(
    badLine,
  ),
  ...[
    "http/1.1 200 OK",
    "HTTP/1.1",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 2O0 OK",
    " HTTP/1.1 200 OK",
  ].map(badLine),
  ...[
    "HTTP/1.1  200 OK",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 099 OK",
    "HTTP/1.1 200 O\x01K",
    "HTTP/1.1 +20 OK",
    "HTTP/1.1 200OK",
  ].map(badLine),
  ...[
    "A : b",
    "A\t: b",
    " A: b",
    "A",
    ": b",
    "A B: c",
    "A\0: b",
    "A: \0",
    "A: \x0b",
    "A\xe9: b",
  ].map(badField),
  ...["A: b\r\n c", "A: b\nC: d", "A: b\rC: d", "A: b\r", "(A): b"].map(badField),
  brokenAnswer("LF everywhere", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
  brokenAnswer("LF as the empty line", `${ok}Content-Length: 0\r\n\n`),
  brokenAnswer("an empty line first", `\r\n${plain}`),
  brokenAnswer("junk first", `junk${plain}`),
  brokenAnswer("1,001 fields", withFields("a:\r\n".repeat(1_001))),
  answered(
    "no reason",
    "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  ),
  answered(
    "no reason and no space",
    "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  ),
  answered(
    "a reason of any bytes",
    "HTTP/1.1 299 \xe9\tx\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 299 \xe9\tx\r\nContent-Length: 0\r\n\r\n",
  ),
];

const badFraming = (what: string, fields: string, body = "abc"): StreamCase =>
  brokenAnswer(what, withFields(fields, body));

/** RFC 9112 §6.3. */
export const responseFraming: readonly StreamCase[] = [
  badFraming("both framings", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
  badFraming(
    "both framings, chunked first",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "0\r\n\r\n",
  ),
  badFraming("two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n"),
  badFraming("two equal lengths", "Content-Length: 3\r\nContent-Length: 3\r\n"),
  ...["3, 3", "+3", "-3", "0x3", "3 0", "", "3.0", "9999999999999999"].map((value) =>
    badFraming(`length ${JSON.stringify(value)}`, `Content-Length: ${value}\r\n`),
  ),
  ...["gzip, chunked", "identity", "xchunked", "chunked, chunked", '"chunked"', "", "chunked,"].map(
    (value) =>
      badFraming(`coding ${JSON.stringify(value)}`, `Transfer-Encoding: ${value}\r\n`, "0\r\n\r\n"),
  ),
  badFraming(
    "chunked twice",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "0\r\n\r\n",
  ),
  brokenAnswer(
    "chunked in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  answered("a length", plain, plain),
  answered(
    "a length of 0",
    withFields("Content-Length: 0\r\n"),
    withFields("Content-Length: 0\r\n"),
  ),
  answered("chunks", chunks, chunks),
  answered("up to the end of the connection", withFields("", "abc"), chunks, {
    endsConnection: true,
    next: "other",
  }),
  answered("close", withFields("Connection: close\r\nContent-Length: 3\r\n", "abc"), plain, {
    next: "other",
  }),
  answered(
    "close and keep-alive",
    withFields("Connection: keep-alive, close\r\nContent-Length: 3\r\n", "abc"),
    plain,
    { next: "other" },
  ),
  answered("HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", plain, { next: "other" }),
  answered(
    "HTTP/1.0 that keeps",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
    plain,
  ),
  answered(
    "HTTP/1.0 that keeps and closes",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 3\r\n\r\nabc",
    plain,
    { next: "other" },
  ),
  answered("more than its length", `${plain}${evil}`, plain, { next: "other" }),
  answered("a byte more than its length", `${plain}x`, plain, { next: "other" }),
  answered("more than its chunks", `${chunks}${evil}`, chunks, { next: "other" }),
  answered(
    "more than its length of 0",
    withFields("Content-Length: 0\r\n", evil),
    withFields("Content-Length: 0\r\n"),
    { next: "other" },
  ),
  answered(
    "less than its length",
    withFields("Content-Length: 4\r\n", "abc"),
    withFields("Content-Length: 4\r\n", "abc"),
    { endsConnection: true, next: "none" },
  ),
];

const begun = withFields("Transfer-Encoding: chunked\r\n");
const badChunk = (what: string, body: string): StreamCase => cutAnswer(what, chunked(body), begun);

/** RFC 9112 §7.1: what came before the break has gone to the client; a whole response it never has. */
export const responseChunks: readonly StreamCase[] = [
  ...["3 ", " 3", "+3", "0x3", "", "g", "3;", "3;=", "fffffffffffffffff", "3\t", "-1"].map((size) =>
    badChunk(`size ${JSON.stringify(size)}`, `${size}\r\nabc\r\n0\r\n\r\n`),
  ),
  badChunk("LF behind the size", "3\nabc\r\n0\r\n\r\n"),
  badChunk("CR behind the size", "3\rabc\r\n0\r\n\r\n"),
  badChunk("LF in an extension", "3;a\nabc\r\n0\r\n\r\n"),
  cutAnswer("data longer than said", chunked("3\r\nabcd\r\n0\r\n\r\n"), chunked("3\r\nabc\r\n")),
  cutAnswer("LF behind the data", chunked("3\r\nabc\n0\r\n\r\n"), chunked("3\r\nabc\r\n")),
  cutAnswer("LF at the end", chunked("3\r\nabc\r\n0\r\n\n"), chunked("3\r\nabc\r\n")),
  cutAnswer(
    "a length in a trailer",
    chunked("3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n"),
    chunked("3\r\nabc\r\n"),
  ),
  cutAnswer(
    "a trailer that folds",
    chunked("3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n"),
    chunked("3\r\nabc\r\n"),
  ),
  cutAnswer(
    "a trailer with a space before its colon",
    chunked("3\r\nabc\r\n0\r\nA : b\r\n\r\n"),
    chunked("3\r\nabc\r\n"),
  ),
  answered("an end before the last chunk", chunked("3\r\nabc\r\n"), chunked("3\r\nabc\r\n"), {
    endsConnection: true,
    next: "none",
  }),
  answered("an end within a chunk", chunked("4\r\nabc"), chunked("3\r\nabc\r\n"), {
    endsConnection: true,
    next: "none",
  }),
  answered("extensions do not travel", chunked("3;a=b\r\nabc\r\n0;c\r\n\r\n"), chunks),
  answered(
    "trailers travel",
    chunked("3\r\nabc\r\n0\r\nGrpc-Status:0\r\n\r\n"),
    chunked("3\r\nabc\r\n0\r\nGrpc-Status: 0\r\n\r\n"),
  ),
  answered(
    "trailers that belong into a head do not",
    chunked("3\r\nabc\r\n0\r\nSet-Cookie: a\r\nAge: 9\r\n\r\n"),
    chunks,
  ),
];
