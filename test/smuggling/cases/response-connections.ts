/** What upstreams answer, and what becomes of the connection they answer on. */
import { answered, badGateway, brokenAnswer, get, type StreamCase } from "../stream-case.ts";

const ok = "HTTP/1.1 200 OK\r\n";
const plain = `${ok}Content-Length: 3\r\n\r\nabc`;
const withFields = (fields: string, body = "") => `${ok}${fields}\r\n${body}`;
const chunked = (body: string) => withFields("Transfer-Encoding: chunked\r\n", body);
const chunks = chunked("3\r\nabc\r\n0\r\n\r\n");
const begun = withFields("Transfer-Encoding: chunked\r\n");
const head = "HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n";
const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

const noContent = "HTTP/1.1 204 No Content\r\n";
const notModified = "HTTP/1.1 304 Not Modified\r\n";

/** Responses without a body, and what is sent behind them all the same (RFC 9112 §6.3). */
export const bodiless: readonly StreamCase[] = [
  answered("204", `${noContent}\r\n`, `${noContent}\r\n`),
  answered("204 with a length of 0", `${noContent}Content-Length: 0\r\n\r\n`, `${noContent}\r\n`),
  answered("204 with a length", `${noContent}Content-Length: 3\r\n\r\n`, `${noContent}\r\n`, {
    next: "other",
  }),
  answered("204 with a body", `${noContent}Content-Length: 3\r\n\r\nabc`, `${noContent}\r\n`, {
    next: "other",
  }),
  answered(
    "204 and chunked",
    `${noContent}Transfer-Encoding: chunked\r\n\r\n`,
    `${noContent}\r\n`,
    { next: "other" },
  ),
  answered(
    "204 with chunks",
    `${noContent}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${noContent}\r\n`,
    { next: "other" },
  ),
  answered("204 and another response", `${noContent}\r\n${evil}`, `${noContent}\r\n`, {
    next: "other",
  }),
  answered("304", `${notModified}\r\n`, `${notModified}\r\n`),
  answered(
    "304 with a length",
    `${notModified}Content-Length: 3\r\n\r\n`,
    `${notModified}Content-Length: 3\r\n\r\n`,
  ),
  answered(
    "304 with a body",
    `${notModified}Content-Length: 3\r\n\r\nabc`,
    `${notModified}Content-Length: 3\r\n\r\n`,
    { next: "other" },
  ),
  answered(
    "304 and chunked",
    `${notModified}Transfer-Encoding: chunked\r\n\r\n`,
    `${notModified}\r\n`,
    { next: "other" },
  ),
  answered(
    "304 with chunks",
    `${notModified}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${notModified}\r\n`,
    { next: "other" },
  ),
  answered("HEAD", withFields("Content-Length: 3\r\n"), withFields("Content-Length: 3\r\n"), {
    asked: head,
  }),
  answered("HEAD with a body", plain, withFields("Content-Length: 3\r\n"), {
    asked: head,
    next: "other",
  }),
  answered("HEAD and chunked", begun, withFields(""), { asked: head, next: "other" }),
  answered("HEAD with chunks", chunks, withFields(""), { asked: head, next: "other" }),
  answered("HEAD without framing", withFields(""), withFields(""), { asked: head }),
  answered("HEAD and another response", `${withFields("")}${evil}`, withFields(""), {
    asked: head,
    next: "other",
  }),
  brokenAnswer(
    "204 with both framings",
    `${noContent}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ),
  answered(
    "HEAD with two lengths",
    withFields("Content-Length: 1\r\nContent-Length: 2\r\n"),
    badGateway.replace(/Bad Gateway$/, ""),
    { asked: head, next: "other" },
  ),
];

const hints = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
const goOn = "HTTP/1.1 100 Continue\r\n\r\n";

/** RFC 9110 §15.2. */
export const informational: readonly StreamCase[] = [
  answered("103", hints + plain, hints + plain),
  answered("two 103", hints + hints + plain, hints + hints + plain),
  answered(
    "102",
    `HTTP/1.1 102 Processing\r\n\r\n${plain}`,
    `HTTP/1.1 102 Processing\r\n\r\n${plain}`,
  ),
  answered("100 ends here", goOn + plain, plain),
  answered("100 with fields ends here", `HTTP/1.1 100 Continue\r\nX: y\r\n\r\n${plain}`, plain),
  answered("sixty-four 100", goOn.repeat(64) + plain, plain),
  answered("1xx, then chunks", goOn + hints + chunks, hints + chunks),
  answered("1xx, then 204", `${hints}${noContent}\r\n`, `${hints}${noContent}\r\n`),
  answered(
    "103 with fields of a connection",
    `HTTP/1.1 103 Early Hints\r\nConnection: close, x\r\nX: y\r\nLink: x\r\n\r\n${plain}`,
    hints + plain,
  ),
  answered(
    "103 with a length has no body",
    `HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\nLink: x\r\n\r\n${plain}`,
    hints + plain,
  ),
  answered(
    "103 to a client of HTTP/1.0",
    hints + plain,
    plain.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n"),
    { asked: "GET /p HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" },
  ),
  answered(
    "103 with a body",
    `HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\nLink: x\r\n\r\nabc${plain}`,
    hints + badGateway,
    { next: "other" },
  ),
  answered("junk behind 103", `${hints}junk\r\n\r\n`, hints + badGateway, { next: "other" }),
  answered("an end behind 103", hints, hints + badGateway, { endsConnection: true, next: "other" }),
  brokenAnswer("1xx without end", goOn.repeat(65) + plain),
  brokenAnswer("100 that breaks", `HTTP/1.1 100 Continue\nX: y\r\n\r\n${plain}`),
  brokenAnswer(
    "101 nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ),
];

const websocket = get("Connection: Upgrade\r\nUpgrade: websocket\r\n");
const switching = (fields: string) => `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`;
const badSwitch = (what: string, fields: string, asked = websocket): StreamCase =>
  brokenAnswer(what, switching(fields), asked);
const switched = (what: string, fields: string, client: string, answer = ""): StreamCase =>
  answered(what, switching(fields) + answer, switching(client) + answer, {
    asked: websocket,
    endsConnection: true,
    next: "none",
  });
const upgradeFields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

/** RFC 9110 §15.2.2: only to what was asked for, and only when it says so. */
export const responseUpgrades: readonly StreamCase[] = [
  badSwitch("to another protocol", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
  badSwitch("to one more protocol", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
  badSwitch("to no protocol", "Connection: Upgrade\r\n"),
  badSwitch("to an empty protocol", "Connection: Upgrade\r\nUpgrade:\r\n"),
  badSwitch("without Connection", "Upgrade: websocket\r\n"),
  badSwitch("with another Connection", "Connection: close\r\nUpgrade: websocket\r\n"),
  badSwitch("without any field", ""),
  badSwitch(
    "that h2c was refused",
    "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"),
  ),
  answered(
    "for HTTP/1.0",
    switching(upgradeFields),
    badGateway.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n"),
    {
      asked:
        "GET /p HTTP/1.0\r\nHost: a\r\nConnection: Upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n",
      next: "other",
    },
  ),
  badSwitch(
    "where Upgrade was said without Connection",
    upgradeFields,
    get("Upgrade: websocket\r\n"),
  ),
  badSwitch("with a space before a colon", "Connection: Upgrade\r\nUpgrade : websocket\r\n"),
  badSwitch("with a fold", "Connection: Upgrade\r\nUpgrade:\r\n websocket\r\n"),
  switched("websocket", upgradeFields, upgradeFields),
  switched(
    "websocket in any case",
    "Upgrade: WebSocket\r\nConnection: upgrade\r\n",
    "Connection: Upgrade\r\nUpgrade: WebSocket\r\n",
  ),
  switched("bytes that come with it", upgradeFields, upgradeFields, `\x81\x05hello${evil}`),
  switched(
    "a length means nothing",
    `Content-Length: 3\r\n${upgradeFields}`,
    upgradeFields,
    "abcdef",
  ),
  switched(
    "chunked means nothing",
    `Transfer-Encoding: chunked\r\n${upgradeFields}`,
    upgradeFields,
    "0\r\n\r\nx",
  ),
  switched(
    "fields travel",
    `Sec-WebSocket-Accept: x\r\n${upgradeFields}`,
    `Sec-WebSocket-Accept: x\r\n${upgradeFields}`,
  ),
  answered("an answer instead", plain, plain, { asked: websocket }),
  answered(
    "426 instead",
    "HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
    { asked: websocket },
  ),
];

const upload = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
const passed = (what: string, fields: string, client: string): StreamCase =>
  answered(
    what,
    withFields(`${fields}Content-Length: 3\r\n`, "abc"),
    withFields(`${client}Content-Length: 3\r\n`, "abc"),
  );

/** Fields of one connection, forged ones, and answers to requests with bodies. */
export const responseFields: readonly StreamCase[] = [
  passed(
    "Connection takes away what it names",
    "X-Hop: 1\r\nConnection: x-hop\r\nX-End: 2\r\n",
    "X-End: 2\r\n",
  ),
  passed("Keep-Alive", "Keep-Alive: timeout=5\r\n", ""),
  passed("Proxy-Connection", "Proxy-Connection: close\r\n", ""),
  passed("Proxy-Authenticate", "Proxy-Authenticate: Basic\r\n", ""),
  passed("Upgrade", "Upgrade: h2c\r\n", ""),
  passed("TE", "TE: trailers\r\n", ""),
  passed("HTTP2-Settings", "HTTP2-Settings: x\r\n", ""),
  passed("Expect", "Expect: 100-continue\r\n", ""),
  passed("Host", "Host: evil\r\n", ""),
  passed(
    "a length with an underscore is another field",
    "Content_Length: 9\r\n",
    "Content_Length: 9\r\n",
  ),
  passed(
    "Set-Cookie twice stays twice",
    "Set-Cookie: a\r\nSet-Cookie: b\r\n",
    "Set-Cookie: a\r\nSet-Cookie: b\r\n",
  ),
  passed("escapes are text", "X: a%0d%0aSet-Cookie: b\r\n", "X: a%0d%0aSet-Cookie: b\r\n"),
  passed("bytes above 127", "X: \xe9\r\n", "X: \xe9\r\n"),
  passed("Trailer travels", "Trailer: X-Sum\r\n", "Trailer: X-Sum\r\n"),
  ...["a b", "a;b", '"close"', "[x]"].map((value) =>
    brokenAnswer(
      `Connection: ${value}`,
      withFields(`Connection: ${value}\r\nContent-Length: 3\r\n`, "abc"),
    ),
  ),
  ...["a\nSet-Cookie: x", "a\rSet-Cookie: x", "a\r\r\nSet-Cookie: x", "a\0"].map((value) =>
    brokenAnswer(
      `injected ${JSON.stringify(value)}`,
      withFields(`Location: ${value}\r\nContent-Length: 3\r\n`, "abc"),
    ),
  ),
  answered("to a request with a body", plain, plain, { asked: upload }),
  answered("to a request with a body, broken", "HTTP/1.1 2x0 OK\r\n\r\n", badGateway, {
    asked: upload,
    next: "other",
  }),
];
