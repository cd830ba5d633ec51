/** HTTP/2 at the sockets of a real worker: over TLS and in plain text, in front of a server that speaks HTTP/1.1. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { CertificateAuthority } from "../support/certificates.ts";
import {
  bodyResource,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../support/data-plane-resources.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { until } from "../support/until.ts";

const authority = new CertificateAuthority();
const shop = authority.issue("shop", [], ["shop.test"]);

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answer: Answer = (_request, response) => void response.end("hello");
let origin: Server;
let worker: TrafficWorkerThread;
let port = 0;
const sessions = new Set<ClientHttp2Session>();

before(async () => {
  origin = createServer((request, response) => answer(request, response));
  origin.listen(0, "127.0.0.1");
  await once(origin, "listening");
  worker = await TrafficWorkerThread.start();
  port = await worker.listen();
  const resources = [
    webEntryPoint(),
    serviceOf("app", [(origin.address() as AddressInfo).port]),
    routerOf("secure@file", { rule: "Host(`shop.test`)", tls: "default" }),
    routerOf("plain@file", { rule: "Host(`plain.test`)" }),
    bodyResource("1", {
      $case: "tlsCertificate",
      value: { certPem: String(shop.cert), keyPem: String(shop.key), stores: [] },
    }),
  ];
  assert.deepEqual(await worker.apply(resources, { full: true }), []);
});

afterEach(() => {
  for (const session of sessions) session.destroy();
  sessions.clear();
});

after(async () => {
  await worker[Symbol.asyncDispose]();
  origin.closeAllConnections();
  origin.close();
});

/** Over TLS; `plain`: in plain text, without having asked. */
function open(kind: "tls" | "plain" = "tls"): ClientHttp2Session {
  const session =
    kind === "plain"
      ? connect(`http://127.0.0.1:${port}`)
      : connect(`https://127.0.0.1:${port}`, { servername: "shop.test", ca: authority.cert });
  session.on("error", () => {});
  sessions.add(session);
  return session;
}

interface Reply {
  /** 0: none came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders | undefined;
  /** Of the stream, when it was reset. */
  readonly code: number;
}

async function replyOf(stream: ClientHttp2Stream): Promise<Reply> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  const chunks: Buffer[] = [];
  stream.on("response", (received) => {
    headers = received;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  await new Promise((resolve) => stream.once("close", resolve));
  const body = String(Buffer.concat(chunks));
  return {
    status: Number(headers[":status"] ?? 0),
    headers,
    body,
    trailers,
    code: stream.rstCode ?? 0,
  };
}

function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<Reply> {
  const stream = session.request(
    { ":authority": "shop.test", ...headers },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  return replyOf(stream);
}

for (const kind of ["tls", "plain"] as const) {
  test(`${kind}: a request goes upstream as HTTP/1.1 and says where it came from`, async () => {
    let seen: IncomingMessage | undefined;
    answer = (request, response) => {
      seen = request;
      response.setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.setHeader("Connection", "close");
      response.end("hello");
    };
    const { status, headers, body } = await ask(open(kind), {
      ":authority": kind === "tls" ? "shop.test" : "plain.test:80",
      ":path": "/a/../b?c=d;e",
      cookie: ["x=1", "y=2"],
      "x-forwarded-for": "192.0.2.1",
    });
    assert.deepEqual([status, body], [200, "hello"]);
    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(headers["connection"], undefined);
    assert.equal(headers["content-length"], "5");
    assert.match(headers["date"] ?? "", / GMT$/);
    assert.equal(seen?.httpVersion, "1.1");
    assert.equal(seen?.url, "/b?c=d&e");
    assert.equal(seen?.headers.cookie, "x=1; y=2");
    assert.equal(seen?.headers["x-forwarded-proto"], kind === "tls" ? "https" : "http");
    assert.equal(seen?.headers["x-forwarded-for"], "127.0.0.1");
  });
}

test("bodies and trailers of any size go through in both directions, many streams at once", async () => {
  answer = (request, response) => {
    response.writeHead(200, { Trailer: "x-sum" });
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (!response.write(chunk)) {
        request.pause();
        response.once("drain", () => request.resume());
      }
    });
    request.on("end", () => {
      response.addTrailers({
        "x-sum": `${bytes}`,
        "x-seen": String(request.trailers["x-sent"] ?? ""),
      });
      response.end();
    });
  };
  const session = open();
  const sizes = [1, 16_384, 100_000, 1_000_000, 3_000_000];
  await Promise.all(
    sizes.map(async (size) => {
      const body = Buffer.alloc(size, `${size} `);
      const stream = session.request(
        { ":authority": "shop.test", ":method": "POST", te: "trailers" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sent": "yes" }));
      stream.end(body);
      const reply = await replyOf(stream);
      assert.equal(reply.status, 200);
      assert.ok(reply.body === String(body), `${size}: ${reply.body.length}`);
      assert.equal(reply.trailers?.["x-sum"], `${size}`);
      assert.equal(reply.trailers?.["x-seen"], "yes");
    }),
  );
});

test("a slow reader holds the server back, a slow server the client", async () => {
  let sent = 0;
  answer = (_request, response) => {
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (sent < 50_000_000) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once("drain", more);
          return;
        }
      }
      response.end();
    };
    more();
  };
  const stream = open().request({ ":authority": "shop.test" });
  await once(stream, "response");
  stream.pause();
  let before = -1;
  await until("the server to be held back", () => {
    const isHeld = sent === before;
    before = sent;
    return isHeld;
  });
  assert.ok(sent < 20_000_000, `${sent}`);
  stream.resume();
  let received = 0;
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  await once(stream, "end");
  assert.equal(received, sent);
});

test("answers without a body have none, and say its length where it is known", async () => {
  answer = (request, response) => {
    response.statusCode = Number(request.url?.slice(1));
    response.setHeader("Content-Length", 5);
    response.end(request.method === "HEAD" ? undefined : "hello");
  };
  const session = open();
  const head = await ask(session, { ":method": "HEAD", ":path": "/200" });
  assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, "5", ""]);
  answer = (_request, response) => void response.writeHead(204).end();
  assert.equal((await ask(session)).headers["content-length"], undefined);
  answer = (_request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    response.end("late");
  };
  const stream = session.request({ ":authority": "shop.test" });
  let hinted: IncomingHttpHeaders = {};
  stream.on("headers", (headers) => {
    hinted = headers;
  });
  assert.equal((await replyOf(stream)).body, "late");
  assert.deepEqual([hinted[":status"], hinted["link"]], [103, "</a.css>; rel=preload"]);
});

test("a client that gives up lets the server go, and the connection serves on", async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  answer = (request, response) => {
    response.write("begun");
    request.once("close", () => resolve());
  };
  const session = open();
  const stream = session.request({ ":authority": "shop.test" });
  stream.on("error", () => {});
  await once(stream, "response");
  stream.close(constants.NGHTTP2_CANCEL);
  await gone;
  answer = (_request, response) => void response.end("next");
  assert.equal((await ask(session)).body, "next");
});

test("a server that breaks off ends the stream, not the connection", async () => {
  answer = (_request, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("part");
    setImmediate(() => response.destroy());
  };
  const session = open();
  assert.equal((await ask(session)).code, constants.NGHTTP2_INTERNAL_ERROR);
  answer = (_request, response) => {
    response.write("part");
    setImmediate(() => response.destroy());
  };
  const { body, code } = await ask(session);
  assert.deepEqual([body, code], ["part", constants.NGHTTP2_INTERNAL_ERROR]);
  answer = (_request, response) => void response.socket?.destroy();
  assert.equal((await ask(session, { ":method": "POST" }, "x")).status, 502);
  answer = (_request, response) => void response.end("next");
  assert.equal((await ask(session)).body, "next");
});

test("an answer before the end of the request is whole, and the rest of the request is not wanted", async () => {
  answer = (_request, response) => void response.writeHead(413).end("too much");
  const session = open();
  const stream = session.request({ ":authority": "shop.test", ":method": "POST" });
  stream.write("x");
  const { status, body, code } = await replyOf(stream);
  assert.deepEqual([status, body, code], [413, "too much", constants.NGHTTP2_NO_ERROR]);
});

test("what HTTP/1.1 would refuse is refused, stream by stream", async () => {
  answer = (_request, response) => void response.end("hello");
  const session = open();
  const refused: readonly (readonly [OutgoingHttpHeaders, number])[] = [
    [{ ":authority": "shop.test", host: "other.test" }, 400],
    [{ ":path": "/%zz" }, 400],
    // The library has refused these.
    [{ ":path": "http://other.test/" }, 0],
    [{ ":authority": "shop test" }, 0],
    [{ ":authority": "" }, 0],
    [{ content_length: "3" }, 400],
    [{ expect: "200-ok" }, 417],
  ];
  for (const [headers, status] of refused) {
    const reply = await ask(session, headers).catch((error: Error) => error.message);
    const name = JSON.stringify(headers).slice(0, 80);
    assert.equal(typeof reply === "string" ? reply : reply.status, status, name);
  }
  assert.equal((await ask(session)).status, 200);
  assert.equal((await ask(session, { ":method": "OPTIONS", ":path": "*" })).status, 200);
  assert.equal((await ask(session, { ":authority": "nobody.test" })).status, 404);
  await worker.apply([webEntryPoint("web", { maxHeaderBytes: 8_192 })]);
  assert.equal((await ask(session, { ":path": "/x".repeat(10_000) })).status, 431);
  await worker.apply([webEntryPoint()]);
});

test("a connection is told how many streams and how large tables it may have", async () => {
  const told = async () => {
    const session = open();
    await once(session, "remoteSettings");
    const { maxConcurrentStreams, headerTableSize } = session.remoteSettings;
    return [maxConcurrentStreams, headerTableSize];
  };
  assert.deepEqual(await told(), [250, 4_096]);
  const http2 = {
    maxConcurrentStreams: 3,
    maxDecoderHeaderTableBytes: 100,
    maxEncoderHeaderTableBytes: 0,
  };
  await worker.apply([webEntryPoint("web", { http2 })]);
  assert.deepEqual(await told(), [3, 100]);
  await worker.apply([webEntryPoint()]);
});

test("a client that resets streams as fast as it can loses its connection, and nobody else does", async () => {
  answer = (_request, response) => void response.end("hello");
  const flooding = open();
  const steady = open();
  const closed = new Promise((resolve) => flooding.once("close", resolve));
  const flood = setInterval(() => {
    for (let count = 0; count < 200 && !flooding.closed && !flooding.destroyed; count++) {
      const stream = flooding.request({ ":authority": "shop.test" });
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
  });
  try {
    await closed;
  } finally {
    clearInterval(flood);
  }
  assert.equal((await ask(steady)).status, 200);
});

test("a connection that has served enough ends behind its streams", async () => {
  answer = (_request, response) => void response.end("hello");
  await worker.apply([webEntryPoint("web", { keepAliveMaxRequests: 3 })]);
  const session = open();
  const replies = await Promise.all([ask(session), ask(session), ask(session)]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200],
  );
  await until("the connection to end", () => session.closed || session.destroyed);
  await worker.apply([webEntryPoint()]);
});

test("a preface in pieces is HTTP/2 all the same, and half of one is nothing", async () => {
  answer = (_request, response) => void response.end("hello");
  const socket = connectTcp(port, "127.0.0.1");
  await once(socket, "connect");
  for (const part of ["PRI * HT", "TP/2.0\r\n\r", "\nSM\r\n\r\n"]) {
    socket.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // An empty SETTINGS frame completes the preface; the server answers with its own.
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const [first] = (await once(socket, "data")) as [Buffer];
  assert.equal(first[3], 4, "a SETTINGS frame");
  socket.destroy();
  const other = connectTcp(port, "127.0.0.1");
  other.write("PRI * HTTP/2.1\r\n\r\n");
  const [text] = (await once(other, "data")) as [Buffer];
  assert.match(String(text), /^HTTP\/1\.1 (400|505) /);
  other.destroy();
});
