/** What concerns one connection only: fields that end here, expectations, changes of protocol, limits. */
import {
  exactly,
  forwarded,
  forwardedGet,
  forwardedLast,
  forwardedPost,
  forwardedUpgrade,
  get,
  lastGet,
  okAndClose,
  okAnswer,
  post,
  refused,
  type StreamCase,
  served,
} from "../stream-case.ts";

const badConnection = (value: string): StreamCase =>
  refused(`Connection: ${JSON.stringify(value)}`, get(`Connection: ${value}\r\n`));
const removed = (what: string, fields: string, kept = ""): StreamCase =>
  served(what, get(fields), forwardedGet(kept));
const closing = (value: string): StreamCase =>
  exactly(
    `Connection: ${JSON.stringify(value)} closes`,
    get(`Connection: ${value}\r\n`) + lastGet,
    forwardedGet(),
    okAndClose,
  );

/** RFC 9110 §7.6.1. */
export const hopByHop: readonly StreamCase[] = [
  ...["a b", "a;b", '"close"', "close x", "a/b", "(a)", "a=b", "[x]", "close\x0b", "\xe9"].map(
    badConnection,
  ),
  badConnection(Array.from({ length: 33 }, (_, index) => `x${index}`).join(",")),
  ...[
    "close",
    "Close",
    "CLOSE",
    "x, close",
    "keep-alive, close",
    ",close,",
    "close, keep-alive",
  ].map(closing),
  removed(
    "Connection takes away what it names",
    "X-Hop: 1\r\nConnection: x-hop\r\nX-End: 2\r\n",
    "X-End: 2\r\n",
  ),
  removed("in any case and place", "x-HOP: 1\r\nConnection: ,, X-Hop ,\r\nX-Hop: 2\r\n"),
  removed("two Connections", "A: 1\r\nB: 2\r\nConnection: a\r\nConnection: b\r\n"),
  removed("an empty Connection", "Connection:\r\nA: 1\r\n", "A: 1\r\n"),
  removed("Keep-Alive", "Keep-Alive: timeout=5\r\n"),
  removed("Proxy-Connection", "Proxy-Connection: keep-alive\r\n"),
  removed("Proxy-Authorization", "Proxy-Authorization: Basic x\r\n"),
  removed("Proxy-Authenticate", "Proxy-Authenticate: Basic\r\n"),
  removed("TE that asks for nothing", "TE: gzip\r\n"),
  removed("Host named in Connection stays", "Connection: host\r\n"),
  removed(
    "X-Forwarded-For named in Connection stays",
    "Connection: X-Forwarded-For, x-real-ip\r\n",
  ),
  served(
    "Content-Length named in Connection stays",
    post("Content-Length: 3\r\nConnection: Content-Length\r\n", "abc"),
    forwardedPost(3, "abc"),
  ),
  served(
    "TE: trailers is asked of the upstream, for that connection",
    get("TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n"),
    forwarded("GET /p", { framing: "TE: trailers\r\nConnection: TE\r\n" }),
  ),
];

const noUpgrade = (what: string, fields: string): StreamCase =>
  served(what, get(fields), forwardedUpgrade("", fields.includes("websocket") ? "ws" : "http"));
const asked = (what: string, fields: string, upgrade: string): StreamCase =>
  served(
    what,
    get(fields),
    forwardedUpgrade(upgrade, upgrade.toLowerCase() === "websocket" ? "ws" : "http"),
  );
const h2cFields =
  "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n";

/** RFC 9110 §7.8; the upstream of these stays with HTTP/1.1. */
export const upgrades: readonly StreamCase[] = [
  asked("websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket"),
  asked("in any case", "connection: UPGRADE\r\nUPGRADE: WebSocket\r\n", "WebSocket"),
  asked("several protocols", "Connection: upgrade\r\nUpgrade: foo/1,bar\r\n", "foo/1, bar"),
  asked("in two fields", "Connection: upgrade\r\nUpgrade: foo\r\nUpgrade: bar\r\n", "foo, bar"),
  asked("h2c is left out", "Connection: upgrade\r\nUpgrade: h2c, foo\r\n", "foo"),
  asked("no protocol is left out", "Connection: upgrade\r\nUpgrade: f oo, foo\r\n", "foo"),
  noUpgrade("h2c", `Upgrade: h2c\r\n${h2cFields}`),
  noUpgrade("h2c in capitals", `Upgrade: H2C\r\n${h2cFields}`),
  noUpgrade("h2", `Upgrade: h2\r\n${h2cFields}`),
  noUpgrade("HTTP/2.0", "Upgrade: HTTP/2.0\r\nConnection: Upgrade\r\n"),
  noUpgrade("TLS/1.0", "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n"),
  noUpgrade("an empty Upgrade", "Upgrade:\r\nConnection: Upgrade\r\n"),
  noUpgrade("Connection: upgrade alone", "Connection: Upgrade\r\n"),
  served("Upgrade alone", get("Upgrade: websocket\r\n"), forwardedGet()),
  served("h2c alone", get(`Upgrade: h2c\r\nHTTP2-Settings: x\r\n`), forwardedGet()),
  exactly(
    "an upgrade of HTTP/1.0",
    "GET /p HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    forwardedGet(),
    okAndClose,
  ),
  served(
    "an upgrade with a body",
    get("Content-Length: 3\r\nConnection: Upgrade\r\nUpgrade: foo\r\n").concat("abc"),
    forwardedUpgrade("", "http")
      .replace("X-Forwarded-For", "Content-Length: 3\r\nX-Forwarded-For")
      .concat("abc"),
  ),
  refused(
    "an upgrade without Host",
    "GET /p HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ),
];

const expects = "Expect: 100-continue\r\n";
const unmet = (value: string): StreamCase =>
  refused(
    `Expect: ${JSON.stringify(value)}`,
    post(`Expect: ${value}\r\nContent-Length: 3\r\n`, "abc"),
    417,
  );

/** RFC 9110 §10.1.1. Bodies that come with their head need no 100. */
export const expectations: readonly StreamCase[] = [
  ...["", "200-ok", "100-continue, x", "100", "continue", "100-continue;q=1", "100 continue"].map(
    unmet,
  ),
  served(
    "a body that comes with its head",
    post(`${expects}Content-Length: 3\r\n`, "abc"),
    forwardedPost(3, "abc"),
  ),
  served(
    "in capitals",
    post("EXPECT: 100-CONTINUE\r\nContent-Length: 3\r\n", "abc"),
    forwardedPost(3, "abc"),
  ),
  refused("twice", post(`${expects}${expects}Content-Length: 3\r\n`, "abc")),
  served("without a body", get(expects), forwardedGet()),
  served("with a length of 0", post(`${expects}Content-Length: 0\r\n`), forwardedPost(0, "")),
  refused(
    "with both framings",
    post(`${expects}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n`, "abc"),
  ),
  refused(
    "with a space before the colon",
    post("Expect : 100-continue\r\nContent-Length: 3\r\n", "abc"),
  ),
  refused("folded", post("Expect:\r\n 100-continue\r\nContent-Length: 3\r\n", "abc"), 417),
  exactly(
    "in HTTP/1.0 it means nothing",
    `POST /p HTTP/1.0\r\nHost: a\r\n${expects}Content-Length: 3\r\n\r\nabc`,
    forwardedPost(3, "abc"),
    okAndClose,
  ),
  served(
    "chunks that come with their head",
    post(`${expects}Transfer-Encoding: chunked\r\n`, "3\r\nabc\r\n0\r\n\r\n"),
    forwarded("POST /p", {
      framing: "Transfer-Encoding: chunked\r\n",
      body: "3\r\nabc\r\n0\r\n\r\n",
    }),
  ),
];

const filler = (bytes: number) => `X: ${"a".repeat(bytes - 5)}\r\n`;

/** 414 for the line, 431 for the head: 1 MiB, 64 KiB and 1,000 fields. */
export const sizes: readonly StreamCase[] = [
  refused("a target of 64 KiB", `GET /${"a".repeat(65_536)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414),
  refused("a method of 64 KiB", `${"G".repeat(65_536)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 414),
  refused("a query of 64 KiB", `GET /?${"a".repeat(65_536)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414),
  refused("a line of 64 KiB that is none", `GET ${" ".repeat(65_536)} HTTP/1.1\r\n\r\n`, 414),
  refused(
    "a line of 64 KiB and a byte",
    `GET /${"a".repeat(65_537 - 16)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    414,
  ),
  refused(
    "a line behind an empty one",
    `\r\nGET /${"a".repeat(65_537 - 16)} HTTP/1.1\r\n\r\n`,
    414,
  ),
  refused("a field of 1 MiB", get(filler(1_048_576)), 431),
  refused("a head of 1 MiB and a byte", get(filler(1_048_577 - get("").length)), 431),
  refused("an endless head of good fields", get(filler(50_000).repeat(22)), 431),
  refused("1,001 fields", get("a:\r\n".repeat(1_000)), 431),
  refused("1,001 fields, broken behind", get(`${"a:\r\n".repeat(1_000)} \0\r\n`), 431),
  refused("many Hosts", get("Host: a\r\n".repeat(900))),
  refused("many lengths", get("Content-Length: 1\r\n".repeat(900))),
  refused("many names in Connection", get(`Connection: ${"x,".repeat(10)}\r\n`.repeat(900))),
  served(
    "many Connections that say nothing",
    get("Connection: keep-alive\r\n".repeat(900)),
    forwardedGet(),
  ),
  served(
    "a line of 64 KiB",
    `GET /${"a".repeat(65_536 - 16)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    forwarded(`GET /${"a".repeat(65_536 - 16)}`),
  ),
  served(
    "a head of 1 MiB",
    get(filler(1_048_576 - get("").length)),
    forwardedGet(filler(1_048_576 - get("").length)),
  ),
  exactly(
    "1,000 fields",
    get("a:\r\n".repeat(999)) + lastGet,
    forwardedGet("a: \r\n".repeat(999)) + forwardedLast,
    okAnswer + okAndClose,
  ),
];
