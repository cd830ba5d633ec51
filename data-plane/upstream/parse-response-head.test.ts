import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResponseHead, UpstreamResponseHead } from "./parse-response-head.ts";

function parse(text: string) {
  const head = new UpstreamResponseHead();
  head.reset(Buffer.from(`--${text}`, "latin1"), 2, text);
  return { end: parseResponseHead(head), head };
}

const broken: readonly (readonly [string, string])[] = [
  ["another protocol", "ICY 200 OK\r\n\r\n"],
  ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"],
  ["a version of two digits", "HTTP/1.10 200 OK\r\n\r\n"],
  ["no status", "HTTP/1.1\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
  ["a status below 100", "HTTP/1.1 099 OK\r\n\r\n"],
  ["letters in the status", "HTTP/1.1 2O0 OK\r\n\r\n"],
  ["a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n"],
  ["bare LF", "HTTP/1.1 200 OK\nA: b\r\n\r\n"],
  ["obs-fold", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
  ["space before a colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"],
  ["a line without colon", "HTTP/1.1 200 OK\r\nA\r\n\r\n"],
  ["NUL in a value", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
  ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n"],
  ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
  ["both framings", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
  [
    "chunked twice",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["chunked from a server of 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
];

for (const [what, text] of broken) {
  test(`parseResponseHead() takes ${what} for a broken upstream`, () => {
    assert.equal(parse(text).end, -1);
  });
}

const good: readonly (readonly [string, string, Partial<UpstreamResponseHead>])[] = [
  ["a plain head", "HTTP/1.1 200 OK\r\n\r\n", { status: 200, reason: "OK", contentLength: -1 }],
  [
    "a reason of any words",
    "HTTP/1.1 404 Nothing h\xe9re\r\n\r\n",
    { status: 404, reason: "Nothing h\xe9re" },
  ],
  ["no reason", "HTTP/1.1 204 \r\n\r\n", { status: 204, reason: "" }],
  ["no reason and no space", "HTTP/1.0 204\r\n\r\n", { status: 204, minorVersion: 0 }],
  ["a length", "HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n", { contentLength: 42 }],
  ["chunked", "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: chunked\r\n\r\n", { isChunked: true }],
  ["close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", { wantsClose: true }],
  ["keep-alive", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", { wantsKeepAlive: true }],
];

for (const [what, text, expected] of good) {
  test(`parseResponseHead() reads ${what}`, () => {
    const { end, head } = parse(`${text}body`);
    assert.equal(end, text.length);
    assert.deepEqual(
      Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(head, key)])),
      expected,
    );
  });
}

test("parseResponseHead() takes out what concerns one connection only", () => {
  const { head } = parse(
    "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nConnection: x-hop\r\nX-End: 2\r\nUpgrade: h2c\r\n\r\n",
  );
  assert.equal(head.headers.lines(""), "X-End: 2\r\n");
});
