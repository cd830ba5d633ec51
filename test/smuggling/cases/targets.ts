/** Request lines, targets and hosts that two readers could take for different resources (RFC 9112 §3). */
import {
  exactly,
  forwarded,
  get,
  okAndClose,
  okAnswer,
  refused,
  type StreamCase,
  served,
} from "../stream-case.ts";

const host = "\r\nHost: a\r\n\r\n";
const badLine = (line: string, status = 400): StreamCase =>
  refused(JSON.stringify(line), `${line}${host}`, status);

export const requestLines: readonly StreamCase[] = [
  ...[
    "GET",
    "GET ",
    "GET /",
    "GET / ",
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    " GET / HTTP/1.1",
  ].map((line) => badLine(line)),
  ...[
    "GET\t/ HTTP/1.1",
    "GET /\tHTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET / HTTP/1.1 x",
    "GET / HTTP/1.1\t",
  ].map((line) => badLine(line)),
  ...[
    "/ HTTP/1.1",
    "G[T / HTTP/1.1",
    "GET: / HTTP/1.1",
    "\xe9 / HTTP/1.1",
    "GET\x0b/ HTTP/1.1",
  ].map((line) => badLine(line)),
  ...["GET / http/1.1", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1", "GET / HTTP/1.10"].map(
    (line) => badLine(line),
  ),
  ...["GET / HTTP/11", "GET / HTTP/ 1.1", "GET / XTTP/1.1", "GET / HTTP 1.1", "GET / HTTP/1,1"].map(
    (line) => badLine(line),
  ),
  ...["GET / HTTP/1.1 HTTP/1.1", "GET / HTTP/+1.1", "GET / HTTP/01.1", "GET / HTTP/1.\xb9"].map(
    (line) => badLine(line),
  ),
  ...["GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/3.0"].map(
    (line) => badLine(line, 505),
  ),
  refused("nearly the preface of HTTP/2", "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n"),
  refused("a request of HTTP/0.9", "GET /p\r\n\r\n"),
  served(
    "any token is a method",
    "M-SEARCH!~ /p HTTP/1.1\r\nHost: a\r\n\r\n",
    forwarded("M-SEARCH!~ /p"),
  ),
  served("methods keep their case", "get /p HTTP/1.1\r\nHost: a\r\n\r\n", forwarded("get /p")),
  exactly(
    "HTTP/1.0 becomes HTTP/1.1 upstream",
    "GET /p HTTP/1.0\r\nHost: a\r\n\r\n",
    forwarded("GET /p"),
    okAndClose,
  ),
  exactly(
    "HTTP/1.0 that keeps its connection",
    "GET /p HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET /q HTTP/1.0\r\nHost: a\r\n\r\n",
    forwarded("GET /p") + forwarded("GET /q"),
    okAnswer.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n") + okAndClose,
  ),
];

const badTarget = (target: string): StreamCase =>
  refused(`target ${JSON.stringify(target)}`, `GET ${target} HTTP/1.1${host}`);
const target = (sent: string, becomes: string): StreamCase =>
  served(
    `target ${JSON.stringify(sent)}`,
    `GET ${sent} HTTP/1.1${host}`,
    forwarded(`GET ${becomes}`),
  );
const absolute = (sent: string, becomes: string, authority: string, port = "80"): StreamCase =>
  served(
    `target ${JSON.stringify(sent)}`,
    `GET ${sent} HTTP/1.1${host}`,
    forwarded(`GET ${becomes}`, { host: authority, port }),
  );

export const targets: readonly StreamCase[] = [
  ...["p", "*", "*x", "?q", "../p", "a:80"].map(badTarget),
  ...["http:/a", "http:a", "http://", "http:///p", "ftp://a/", "file:///p", "://a/"].map(badTarget),
  ...[
    "http://u@a/",
    "http://u:p@a/",
    "http://a b/",
    "http://a:b/",
    "http://[::1/",
    "http://a\\b/",
  ].map(badTarget),
  ...[
    "/p#f",
    "/p?q#f",
    "#",
    "/p q",
    "/p\x7f",
    "/p\x01",
    "/%",
    "/%1",
    "/%zz",
    "/%0g",
    "/p?q\x0b",
  ].map(badTarget),
  ...["http://a#f", "http://a?q#f", "http://%zz/", "http://a..b/", "http://.a/"].map(badTarget),
  target("/p?q=%zz&r", "/p?q=%zz&r"),
  target("/p?q;r", "/p?q&r"),
  target("/p?\xc3\xa9", "/p?%C3%A9"),
  target("/\xc3\xa9", "/%C3%A9"),
  target("/a\\b", "/a%5Cb"),
  target("/a|b^c", "/a%7Cb%5Ec"),
  target("/%41%2e%2F%2f", "/A.%2F%2F"),
  target("/a/../b/./c//d", "/b/c/d"),
  target("/../../p", "/p"),
  target("/%2e%2e/p", "/p"),
  target("/x/..%2fp", "/x/..%2Fp"),
  target("//evil/p", "/evil/p"),
  target("/p?/../x", "/p?/../x"),
  absolute("http://b/p?q", "/p?q", "b"),
  absolute("HTTP://b:8080/p", "/p", "b:8080", "8080"),
  absolute("https://b/p", "/p", "b"),
  absolute("http://b", "/", "b"),
  absolute("http://b?q", "/?q", "b"),
  absolute("http://[::1]:80/p", "/p", "[::1]:80"),
  refused("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
  refused("CONNECT of a path", `CONNECT /p HTTP/1.1${host}`, 501),
  refused("an authority for another method", `GET a:443 HTTP/1.1${host}`),
  exactly(
    "OPTIONS * is answered by the gateway",
    `OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    "",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  ),
];

const badHost = (value: string): StreamCase =>
  refused(`Host: ${JSON.stringify(value)}`, `GET /p HTTP/1.1\r\nHost: ${value}\r\n\r\n`);
const goodHost = (value: string, port = "80"): StreamCase =>
  served(
    `Host: ${JSON.stringify(value)}`,
    `GET /p HTTP/1.1\r\nHost: ${value}\r\n\r\n`,
    forwarded("GET /p", { host: value, port }),
  );

export const hosts: readonly StreamCase[] = [
  refused("no Host", "GET /p HTTP/1.1\r\n\r\n"),
  refused("no Host, but X-Forwarded-Host", "GET /p HTTP/1.1\r\nX-Forwarded-Host: a\r\n\r\n"),
  refused("no Host behind an absolute target", "GET http://a/p HTTP/1.1\r\n\r\n"),
  refused("two Hosts", "GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
  refused("two equal Hosts", "GET /p HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
  refused("two Hosts of two cases", "GET /p HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"),
  refused(
    "two Hosts behind an absolute target",
    "GET http://a/p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  ),
  refused("two Hosts in HTTP/1.0", "GET /p HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
  refused("a bad Host behind an absolute target", "GET http://a/p HTTP/1.1\r\nHost: a/b\r\n\r\n"),
  ...[
    "",
    "a/b",
    "a?b",
    "a#b",
    "u@a",
    "a b",
    "a\tb",
    "a, b",
    "a\\b",
    "http://a",
    "a:b",
    "a:1:2",
  ].map(badHost),
  ...[
    "[::1",
    "::1",
    "[a]",
    "[::1]x",
    "[::1]:x",
    "a[b]",
    ":80",
    ".",
    ".a",
    "a..b",
    "a%",
    "a%zz",
  ].map(badHost),
  ...["\xe9", "a\x7f", "[fe80::1%25en0]", "a<b", 'a"b', "a|b", "a^b", "{a}", "[1.2.3.4]"].map(
    badHost,
  ),
  ...["a.b", "a_b", "1.2.3.4", "a.", "A.b", "a%2eb", "a~!$&'()*+,;=b"].map((value) =>
    goodHost(value),
  ),
  goodHost("a:8080", "8080"),
  goodHost("[::1]:8080", "8080"),
  goodHost("a:"),
  exactly(
    "the target's host counts, and Host is replaced",
    "GET http://b/p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    forwarded("GET /p", { host: "b" }),
    okAndClose,
  ),
  served(
    "what a client says of forwarding is dropped",
    get(
      "X-Forwarded-Host: evil\r\nX_Forwarded_Host: evil\r\nX-Real-Ip: 9.9.9.9\r\nX-Forwarded-For: 9.9.9.9\r\n",
    ),
    forwarded("GET /p"),
  ),
];
