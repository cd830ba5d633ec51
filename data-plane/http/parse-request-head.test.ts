import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "./header-list.ts";
import { parseRequestHead, RequestHead } from "./parse-request-head.ts";

function parse(text: string, dropsManaged = true) {
  const head = new RequestHead();
  const headers = new HeaderList();
  // Other bytes around it: indexes into the bytes and into the text must not be mixed up.
  const bytes = Buffer.from(`junk${text}rest`, "latin1");
  head.reset(bytes, 4, text);
  return { verdict: parseRequestHead(head, headers, dropsManaged), head, headers };
}

const host = "Host: a\r\n";
const get = (fields: string) => `GET / HTTP/1.1\r\n${fields}\r\n`;

const refused: readonly (readonly [string, string, number])[] = [
  ["no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["control character in the target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["DEL in the target", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["fragment in the query", "GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["asterisk with more", "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501],
  ["version of one letter case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400],
  ["HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 400],
  ["HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505],
  ["HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505],
  ["version of two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400],
  ["no version", "GET /\r\nHost: a\r\n\r\n", 400],
  ["method with a bracket", "G[T / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["unknown scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["user in the authority", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["empty authority", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["absolute target, no Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400],
  ["bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
  ["bare LF after a field", get("Host: a\nX: y\r\n"), 400],
  ["bare CR in a value", get("Host: a\r\nX: y\rz\r\n"), 400],
  ["CR CR LF", get("Host: a\r\r\nX: y\r\n"), 400],
  ["NUL in a value", get(`${host}X: a\0b\r\n`), 400],
  ["control character in a value", get(`${host}X: a\x0bb\r\n`), 400],
  ["space before the colon", get(`${host}X : y\r\n`), 400],
  ["tab before the colon", get(`${host}X\t: y\r\n`), 400],
  ["no colon", get(`${host}X\r\n`), 400],
  ["empty name", get(`${host}: y\r\n`), 400],
  ["name beyond ASCII", get(`${host}X\xe9: y\r\n`), 400],
  ["obs-fold", get(`${host}X: a\r\n b\r\n`), 400],
  ["obs-fold with a tab", get(`${host}X: a\r\n\tb\r\n`), 400],
  ["fold before the first field", "GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n", 400],
  ["no Host", get("X: y\r\n"), 400],
  ["two Hosts", get(`${host}Host: b\r\n`), 400],
  ["two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400],
  ["list in Host", get("Host: a, b\r\n"), 400],
  ["path in Host", get("Host: a/b\r\n"), 400],
  ["user in Host", get("Host: u@a\r\n"), 400],
  ["port that is none", get("Host: a:b\r\n"), 400],
  ["open bracket in Host", get("Host: [::1\r\n"), 400],
  ["Content-Length twice", get(`${host}Content-Length: 1\r\nContent-Length: 2\r\n`), 400],
  ["the same Content-Length twice", get(`${host}Content-Length: 1\r\nContent-Length: 1\r\n`), 400],
  ["list of Content-Lengths", get(`${host}Content-Length: 1, 1\r\n`), 400],
  ["signed Content-Length", get(`${host}Content-Length: +1\r\n`), 400],
  ["negative Content-Length", get(`${host}Content-Length: -1\r\n`), 400],
  ["hexadecimal Content-Length", get(`${host}Content-Length: 0x1\r\n`), 400],
  ["empty Content-Length", get(`${host}Content-Length:\r\n`), 400],
  ["Content-Length too large", get(`${host}Content-Length: 9999999999999999\r\n`), 400],
  ["both framings", get(`${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n`), 400],
  [
    "both framings, other order",
    get(`${host}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n`),
    400,
  ],
  ["chunked in 1.0", `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, 400],
  [
    "chunked twice",
    get(`${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`),
    400,
  ],
  ["list of chunked", get(`${host}Transfer-Encoding: chunked, chunked\r\n`), 400],
  ["chunked not last", get(`${host}Transfer-Encoding: chunked, gzip\r\n`), 400],
  ["other coding", get(`${host}Transfer-Encoding: gzip, chunked\r\n`), 501],
  ["identity", get(`${host}Transfer-Encoding: identity\r\n`), 501],
  ["chunked in disguise", get(`${host}Transfer-Encoding: xchunked\r\n`), 501],
  ["chunked with a vertical tab", get(`${host}Transfer-Encoding: \x0bchunked\r\n`), 400],
  ["quoted chunked", get(`${host}Transfer-Encoding: "chunked"\r\n`), 400],
  ["Connection that is no list", get(`${host}Connection: a b\r\n`), 400],
  ["a length with an underscore", get(`${host}Content_Length: 3\r\n`), 400],
  ["a coding with an underscore", get(`${host}transfer_encoding: chunked\r\n`), 400],
  ["an empty Host", get("Host:\r\n"), 400],
  ["an empty Host in 1.0", "GET / HTTP/1.0\r\nHost: \r\n\r\n", 400],
  ["an empty label in Host", get("Host: a..b\r\n"), 400],
  ["a port without a host", get("Host: :80\r\n"), 400],
  ["a broken escape in Host", get("Host: a%2\r\n"), 400],
  ["an address of no family in Host", get("Host: [::12345]\r\n"), 400],
  ["a zone in Host", get("Host: [fe80::1%25eth0]\r\n"), 400],
  ["a body of GET in 1.0", `GET / HTTP/1.0\r\n${host}Content-Length: 1\r\n\r\n`, 400],
  ["a body of TRACE", `TRACE / HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\n`, 400],
  ["a tab before a length", get(`${host}Content-Length:\t1\r\n`), 400],
  ["a tab behind a coding", get(`${host}Transfer-Encoding: chunked\t\r\n`), 400],
  ["two expectations", get(`${host}Expect: 100-continue\r\nExpect: 100-continue\r\n`), 400],
  ["unknown expectation", get(`${host}Expect: the-best\r\n`), 417],
];

for (const [what, text, status] of refused) {
  test(`parseRequestHead() refuses ${what} with ${status}`, () => {
    assert.equal(parse(text).verdict, -status);
  });
}

const accepted: readonly (readonly [string, string, Partial<RequestHead>])[] = [
  ["a GET", get(host), { method: "GET", path: "/", query: "", host: "a", minorVersion: 1 }],
  ["any token as method", `M-SEARCH!~ /x HTTP/1.1\r\n${host}\r\n`, { method: "M-SEARCH!~" }],
  ["HTTP/1.0 without Host", "GET /x HTTP/1.0\r\n\r\n", { minorVersion: 0, host: "" }],
  [
    "a query",
    `GET /a?b=/..//;%zz HTTP/1.1\r\n${host}\r\n`,
    {
      path: "/a",
      query: "?b=/..//;%zz",
      queryHasSemicolon: true,
      pathNeedsSanitising: false,
      pathNeedsNormalising: false,
    },
  ],
  ["dots inside names", `GET /a.b/c..d HTTP/1.1\r\n${host}\r\n`, { pathNeedsSanitising: false }],
  [
    "a segment that begins with a dot",
    `GET /.well-known HTTP/1.1\r\n${host}\r\n`,
    { pathNeedsSanitising: true },
  ],
  ["two slashes", `GET /a//b HTTP/1.1\r\n${host}\r\n`, { pathNeedsSanitising: true }],
  ["an escape", `GET /%41 HTTP/1.1\r\n${host}\r\n`, { pathNeedsNormalising: true }],
  ["a byte beyond ASCII", `GET /\xe9 HTTP/1.1\r\n${host}\r\n`, { pathNeedsNormalising: true }],
  [
    "an absolute target",
    `GET http://b:81/c?d HTTP/1.1\r\n${host}\r\n`,
    { host: "b:81", path: "/c", query: "?d", isOriginForm: false },
  ],
  [
    "an absolute target without path",
    `GET HTTPS://b?d HTTP/1.1\r\n${host}\r\n`,
    { host: "b", path: "/", query: "?d" },
  ],
  ["the asterisk", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, { path: "*" }],
  [
    "Content-Length in any case, no space",
    get(`${host}cOnTeNt-LeNgTh:12\r\n`),
    { contentLength: 12 },
  ],
  ["blanks around a value", get(`${host}Content-Length:   12  \r\n`), { contentLength: 12 }],
  ["leading zeros", get(`${host}Content-Length: 0012\r\n`), { contentLength: 12 }],
  [
    "chunked in any case",
    get(`${host}Transfer-Encoding: Chunked\r\n`),
    { isChunked: true, contentLength: -1 },
  ],
  ["close", get(`${host}Connection: Close\r\n`), { wantsClose: true }],
  [
    "several options",
    get(`${host}Connection: keep-alive, , X-A\r\nConnection: upgrade\r\nUpgrade: websocket\r\n`),
    { wantsKeepAlive: true, wantsUpgrade: true, upgrade: "websocket", connectionNames: ["x-a"] },
  ],
  ["100-continue", get(`${host}Expect: 100-Continue\r\n`), { expectsContinue: true }],
  [
    "100-continue in 1.0, without meaning",
    `POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n`,
    { expectsContinue: false },
  ],
  ["TE", get(`${host}TE: deflate;q=0.5, trailers\r\n`), { acceptsTrailers: true }],
  ["an IPv6 host", get("Host: [::1]:80\r\n"), { host: "[::1]:80" }],
];

for (const [what, text, expected] of accepted) {
  test(`parseRequestHead() accepts ${what}`, () => {
    const { verdict, head } = parse(text);
    assert.equal(verdict, text.length);
    assert.deepEqual(
      Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(head, key)])),
      expected,
    );
  });
}

test("parseRequestHead() ends at the empty line, whatever follows", () => {
  const text = get(host);
  assert.equal(parse(`${text}GET /smuggled HTTP/1.1\r\n\r\n`).verdict, text.length);
});

test("parseRequestHead() keeps order, spelling and duplicates, but Host and Connection", () => {
  const { headers } = parse(
    get(`x-B: 1\r\n${host}ACCEPT: 2\r\nConnection: close\r\nx-b:3\r\nX-Last:   4\t \r\n`),
  );
  assert.equal(headers.lines(""), "x-B: 1\r\nACCEPT: 2\r\nx-b: 3\r\nX-Last: 4\r\n");
  assert.deepEqual(
    [headers.get("x-b"), headers.get("accept"), headers.has("host")],
    ["1", "2", false],
  );
});

test("parseRequestHead() takes managed headers from trusted peers only, in either spelling", () => {
  const fields = `${host}X-Forwarded-For: 1.1.1.1\r\nx_forwarded_proto: https\r\nX-Real_IP: 2\r\nX_Other: 3\r\n`;
  assert.equal(parse(get(fields)).headers.lines(""), "X_Other: 3\r\n");
  assert.equal(parse(get(fields), false).headers.length, 4);
});

test("parseRequestHead() takes a thousand fields, and no more", () => {
  const fields = "a:\r\n".repeat(999);
  assert.ok(parse(get(`${host}${fields}`)).verdict > 0);
  assert.equal(parse(get(`${host}${fields}a:\r\n`)).verdict, -431);
});

test("RequestHead forgets the request before", () => {
  const { head, headers } = parse(
    `POST /%41//?;a HTTP/1.1\r\n${host}Content-Length: 5\r\nConnection: close, x\r\nTE: trailers\r\nExpect: 100-continue\r\nUpgrade: a\r\n\r\n`,
  );
  const text = get(host);
  head.reset(Buffer.from(text, "latin1"), 0, text);
  assert.equal(parseRequestHead(head, headers, true), text.length);
  assert.equal(headers.length, 0);
  const { contentLength, wantsClose, connectionNames, acceptsTrailers, expectsContinue } = head;
  assert.deepEqual(
    [contentLength, wantsClose, connectionNames, acceptsTrailers, expectsContinue, head.upgrade],
    [-1, false, [], false, false, ""],
  );
  assert.deepEqual(
    [head.pathNeedsNormalising, head.pathNeedsSanitising, head.queryHasSemicolon],
    [false, false, false],
  );
});

test("parseRequestHead() refuses Connection lists without end, however they are spread", () => {
  const names = Array.from({ length: 20 }, (_, index) => `x-${index}`).join(",");
  assert.ok(parse(get(`${host}Connection: ${names}\r\n`)).verdict > 0);
  const twice = `Connection: ${names}\r\nConnection: ${names}\r\n`;
  assert.equal(parse(get(`${host}${twice}`)).verdict, -400);
});
