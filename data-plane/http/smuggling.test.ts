/**
 * Byte streams that have made one server see other requests than the one in front of it. What reaches the upstream is
 * compared byte by byte, its statuses and how the connection ends beside it.
 */
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { OriginRecorder } from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";

interface Case {
  readonly what: string;
  readonly sent: string;
  /** Each request that reaches the upstream: line, what the client's own fields became, body. */
  readonly forwarded: readonly string[];
  readonly statuses: readonly number[];
}

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n";
const post = (fields: string, body: string) =>
  `POST /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const refused = (what: string, sent: string, status = 400): Case => ({
  what,
  sent,
  forwarded: [],
  statuses: [status],
});
const lastGet = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const last = "GET /last||";

const cases: readonly Case[] = [
  // CL.TE and TE.CL: both framings, in every order and spelling
  refused(
    "both framings",
    post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "both framings, chunked first",
    post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `5c\r\n${smuggled}`),
  ),
  refused(
    "both framings, length 0",
    post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "both framings, small letters",
    post("content-length: 6\r\ntransfer-encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "chunked in HTTP/1.0",
    `POST /p HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  ),
  // TE.TE: a coding one side reads as chunked and the other does not
  refused("xchunked", post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${smuggled}`), 501),
  refused(
    "chunked and identity",
    post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused("identity", post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "abc"), 501),
  refused(
    "two lines of codings",
    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "cow first",
    post("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
    501,
  ),
  refused(
    "space before the colon",
    post("Transfer-Encoding : chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused("tab before the colon", post("Transfer-Encoding\t: chunked\r\n", `0\r\n\r\n${smuggled}`)),
  refused(
    "space before the name",
    post("X: y\r\n Transfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "vertical tab before chunked",
    post("Transfer-Encoding: \x0bchunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "form feed after chunked",
    post("Transfer-Encoding: chunked\x0c\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused("NUL after chunked", post("Transfer-Encoding: chunked\0\r\n", `0\r\n\r\n${smuggled}`)),
  refused("quoted chunked", post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${smuggled}`)),
  refused(
    "coding on a folded line",
    post("Transfer-Encoding:\r\n chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "name after bare LF",
    post("X: y\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused(
    "name after bare CR",
    post("X: y\rTransfer-Encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ),
  refused("empty coding", post("Transfer-Encoding:\r\n", `0\r\n\r\n${smuggled}`)),
  refused("comma before chunked", post("Transfer-Encoding: ,chunked\r\n", `0\r\n\r\n${smuggled}`)),
  // lengths two readers take for two numbers
  refused("two lengths", post("Content-Length: 3\r\nContent-Length: 40\r\n", `abc${smuggled}`)),
  refused("list of lengths", post("Content-Length: 3, 40\r\n", `abc${smuggled}`)),
  refused("plus sign", post("Content-Length: +3\r\n", "abc")),
  refused("hexadecimal", post("Content-Length: 0x3\r\n", "abc")),
  refused("exponent", post("Content-Length: 3e0\r\n", "abc")),
  refused("digits apart", post("Content-Length: 3 0\r\n", "abc")),
  refused("other digits", post("Content-Length: \xd9\xa3\r\n", "abc")),
  refused(
    "length beyond any number",
    post("Content-Length: 18446744073709551619\r\n", `abc${smuggled}`),
  ),
  refused("minus", post("Content-Length: -3\r\n", smuggled)),
  refused("fraction", post("Content-Length: 3.0\r\n", "abc")),
  // heads
  refused("fold", `GET /p HTTP/1.1\r\nHost: a\r\nX: y\r\n ${smuggled}`),
  refused("two hosts", `GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`),
  refused("host with a path", `GET /p HTTP/1.1\r\nHost: a/b\r\n\r\n`),
  refused("line end in the target", "GET /p\nX: y HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("space in the target", "GET /p /q HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("HTTP/1.1 twice", "GET /p HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("fragment", "GET /p#/../admin HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
  refused("preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  // chunks: the head is good, so the request is on its way when its body breaks
  ...[
    ["size with a space", "3 \r\nabc\r\n0\r\n\r\n"],
    ["size with a sign", "+3\r\nabc\r\n0\r\n\r\n"],
    ["size with a prefix", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["size beyond any number", "fffffffffffffffff\r\nabc"],
    ["bare LF after the size", "3\nabc\r\n0\r\n\r\n"],
    ["bare LF after the data", "3\r\nabc\n0\r\n\r\n"],
    ["data longer than said", "3\r\nabcd\r\n0\r\n\r\n"],
    ["line end in an extension", "3;\nx\r\nabc\r\n0\r\n\r\n"],
    ["bare LF at the end", `0\r\n\n${smuggled}`],
    ["trailer that folds", "0\r\nX: y\r\n z\r\n\r\n"],
  ].map(
    ([what = "", body = ""]): Case => refused(what, post("Transfer-Encoding: chunked\r\n", body)),
  ),
  // what is left after a request is the next request, never a part of this one
  {
    what: "a body of exactly the length, then the next",
    sent: post("Content-Length: 3\r\n", `abc${lastGet}`),
    forwarded: ["POST /p|Content-Length: 3|abc", last],
    statuses: [200, 200],
  },
  {
    what: "a request inside a body stays there",
    sent: post(`Content-Length: ${smuggled.length}\r\n`, smuggled + lastGet),
    forwarded: [`POST /p|Content-Length: ${smuggled.length}|${smuggled}`, last],
    statuses: [200, 200],
  },
  {
    what: "a request inside a chunk stays there",
    sent: post(
      "Transfer-Encoding: chunked\r\n",
      `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n${lastGet}`,
    ),
    forwarded: [
      `POST /p|Transfer-Encoding: chunked|${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      last,
    ],
    statuses: [200, 200],
  },
  {
    what: "extensions and zeros before a size do not travel",
    sent: post("Transfer-Encoding: chunked\r\n", `0003;a=b\r\nabc\r\n000\r\n\r\n${lastGet}`),
    forwarded: ["POST /p|Transfer-Encoding: chunked|3\r\nabc\r\n0\r\n\r\n", last],
    statuses: [200, 200],
  },
  {
    what: "trailers travel, except those that would reframe or forge",
    sent: post(
      "Transfer-Encoding: chunked\r\n",
      `0\r\nX-Sum: 1\r\nContent-Length: 9\r\nX-Forwarded-For: 1\r\n\r\n${lastGet}`,
    ),
    forwarded: ["POST /p|Transfer-Encoding: chunked|0\r\nX-Sum: 1\r\n\r\n", last],
    statuses: [200, 200],
  },
  {
    what: "a GET with a body takes its body with it",
    sent: `GET /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${lastGet}`,
    forwarded: ["GET /p|Content-Length: 3|abc", last],
    statuses: [200, 200],
  },
  {
    what: "CL.0: a length of nothing is said upstream too",
    sent: post("Content-Length: 0\r\n", lastGet),
    forwarded: ["POST /p|Content-Length: 0|", last],
    statuses: [200, 200],
  },
  refused("length with an underscore", post("Content_Length: 40\r\n", lastGet)),
  {
    what: "Connection cannot take Content-Length away",
    sent: post("Content-Length: 3\r\nConnection: Content-Length\r\n", `abc${lastGet}`),
    forwarded: ["POST /p|Content-Length: 3|abc", last],
    statuses: [200, 200],
  },
  {
    what: "Connection takes away what it names, and itself",
    sent: `GET /p HTTP/1.1\r\nHost: a\r\nX-Hop: 1\r\nConnection: x-hop, keep-alive\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nX-End: 2\r\n\r\n${lastGet}`,
    forwarded: ["GET /p|X-End: 2|", last],
    statuses: [200, 200],
  },
  {
    what: "an absolute target goes upstream as a path, its authority as Host",
    sent: `GET http://b/p?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    forwarded: ["GET /p?q||"],
    statuses: [200],
  },
  {
    what: "dots and escapes are resolved before anyone routes by them",
    sent: `GET /x/..%2f/%2e%2e/./y//%41?;/../ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    forwarded: ["GET /x/y/A?&/../||"],
    statuses: [200],
  },
  {
    what: "blanks around values are one space upstream",
    sent: `GET /p HTTP/1.1\r\nHost: a\r\nX-A:1\r\nX-B: \t 2\t \r\nX-C:\r\nConnection: close\r\n\r\n`,
    forwarded: ["GET /p|X-A: 1\r\nX-B: 2\r\nX-C: |"],
    statuses: [200],
  },
  {
    what: "an upgrade to h2c is no upgrade without Connection",
    sent: `GET /p HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nConnection: close\r\n\r\n`,
    forwarded: ["GET /p||"],
    statuses: [200],
  },
];

/** The upstream's bytes as requests, without what the engine adds to each. */
function requestsOf(received: string): string[] {
  const added = `X-Forwarded-Proto: http\r\nX-Forwarded-Server: ${hostname()}\r\nX-Real-Ip: 127.0.0.1\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: `;
  const requests: string[] = [];
  let rest = received;
  while (rest !== "") {
    const headEnd = rest.indexOf("\r\n\r\n") + 4;
    const head = rest.slice(0, headEnd);
    const [, line = "", host = "", own = "", framing = ""] =
      /^(\S+ \S+) HTTP\/1\.1\r\nHost: (\w)\r\n([\s\S]*?)X-Forwarded-Proto: http\r\n[\s\S]*?X-Forwarded-Host: \w\r\n((?:.*\r\n)*?)(?:X-Forwarded-For: 127\.0\.0\.1\r\n)\r\n$/.exec(
        head,
      ) ?? [];
    assert.ok(
      head.includes(`${added}${host}\r\n`),
      `${JSON.stringify(head)} has what the engine adds`,
    );
    const fields = `${own}${framing}`.replace(/\r\n$/, "");
    const length = Number(/Content-Length: (\d+)/.exec(framing)?.[1] ?? 0);
    const chunked = /^(?:[1-9a-f][0-9a-f]*\r\n[\s\S]*?\r\n)*?0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(
      rest.slice(headEnd),
    );
    const body = framing.includes("chunked")
      ? (chunked?.[0] ?? "?")
      : rest.slice(headEnd, headEnd + length);
    requests.push(`${line}|${fields}|${body}`);
    rest = rest.slice(headEnd + body.length);
  }
  return requests;
}

for (const { what, sent, forwarded, statuses } of cases) {
  test(`smuggling: ${what}`, async () => {
    await using origin = await OriginRecorder.start();
    await using engine = await HttpEngine.start({ originPort: origin.port });
    const heard = await RawClient.exchange(engine.port, sent);
    assert.deepEqual(
      [...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)),
      statuses,
    );
    if (statuses[0] !== 200) {
      // The head may have gone upstream before its body broke, but never as a whole request.
      assert.equal(origin.connections.filter(({ answered }) => answered > 0).length, 0);
      assert.doesNotMatch(origin.received, /smuggled/);
      return;
    }
    assert.deepEqual(requestsOf(origin.received), forwarded);
  });
}
