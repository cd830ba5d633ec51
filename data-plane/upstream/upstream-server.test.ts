import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { HttpEngine } from "../../test/support/http-engine.ts";
import {
  type OriginConnection,
  OriginRecorder,
  okAnswer,
} from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";
import { until } from "../../test/support/until.ts";

const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const last = (path: string) => get(path, "Connection: close\r\n");

/** What a client hears of an answer the upstream gives. */
async function relayed(answer: string, request = last("/"), closes = false): Promise<string> {
  await using origin = await OriginRecorder.start((_request, { socket }) => {
    socket.write(answer, "latin1");
    if (closes) socket.end();
    return undefined;
  });
  await using engine = await HttpEngine.start({ originPort: origin.port });
  const heard = await RawClient.exchange(engine.port, request);
  return heard.replace(/Date: .*\r\n/, "");
}

const end = "Connection: close\r\n\r\n";

test("a response is passed on with its reason, fields in order, and its length", async () => {
  const answer =
    "HTTP/1.1 299 Fine So\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Length: 2\r\n\r\nok";
  assert.equal(
    await relayed(answer),
    `HTTP/1.1 299 Fine So\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Length: 2\r\n${end}ok`,
  );
});

test("a chunked response stays chunked, extensions dropped and trailers kept", async () => {
  const answer =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2;x=y\r\nok\r\n003\r\n!!!\r\n0\r\nX-Sum: 1\r\n\r\n";
  assert.equal(
    await relayed(answer),
    `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n${end}2\r\nok\r\n3\r\n!!!\r\n0\r\nX-Sum: 1\r\n\r\n`,
  );
});

test("a response that ends with its connection becomes chunked", async () => {
  assert.equal(
    await relayed("HTTP/1.1 200 OK\r\n\r\nok", last("/"), true),
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${end}2\r\nok\r\n0\r\n\r\n`,
  );
});

test("a chunked response to a client of HTTP/1.0 ends with its connection", async () => {
  const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
  const request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  assert.equal(await relayed(answer, request), `HTTP/1.1 200 OK\r\n${end}ok`);
});

test("answers without a body have none, whatever their fields say", async () => {
  const head = "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const withLength = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\n`;
  assert.equal(
    await relayed(withLength("200 OK"), head),
    `${withLength("200 OK").slice(0, -2)}${end}`,
  );
  assert.equal(
    await relayed(withLength("304 Not Modified")),
    `${withLength("304 Not Modified").slice(0, -2)}${end}`,
  );
  assert.equal(
    await relayed("HTTP/1.1 204 No Content\r\n\r\n"),
    `HTTP/1.1 204 No Content\r\n${end}`,
  );
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  assert.equal(await relayed(chunked, head), `HTTP/1.1 200 OK\r\n${end}`);
});

test("early hints are passed on, 100 is not", async () => {
  const answer =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
  assert.equal(
    await relayed(answer),
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n${end}`,
  );
});

for (const [what, answer] of [
  ["no response", "hello\r\n\r\n"],
  [
    "both framings",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  [
    "a protocol nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  ],
  ["bare LF", "HTTP/1.1 200 OK\nA: b\n\n"],
  ["a connection that closes", ""],
] as const) {
  test(`${what} from the upstream is 502 Bad Gateway`, async () => {
    const heard = await relayed(answer, last("/"), answer === "");
    assert.match(heard, /^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*\r\n\r\nBad Gateway$/);
  });
}

test("a response cut short cuts the client's connection: nobody takes the part for the whole", async () => {
  for (const head of [
    "Content-Length: 10\r\n\r\nabc",
    "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
  ]) {
    const heard = await relayed(`HTTP/1.1 200 OK\r\n${head}`, last("/"), true);
    assert.match(heard, /200 OK[\s\S]*abc(\r\n)?$/);
  }
});

test("broken chunks in a response cut the client's connection", async () => {
  const heard = await relayed(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
  );
  assert.doesNotMatch(heard, /0\r\n\r\n$/);
});

test("a server that refuses is 502, one that does not answer in time 504", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const address = closed.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  closed.close();
  await once(closed, "close");
  await using refusing = await HttpEngine.start({ originPort: port });
  assert.match(await RawClient.exchange(refusing.port, last("/")), /502 Bad Gateway/);

  await using origin = await OriginRecorder.start(() => undefined);
  const transport = {
    dialTimeoutMs: 1_000,
    responseHeaderTimeoutMs: 20,
    idleConnectionTimeoutMs: 0,
    maxIdleConnectionsPerHost: 2,
  };
  await using engine = await HttpEngine.start({ originPort: origin.port, upstream: { transport } });
  const heard = await RawClient.exchange(engine.port, last("/"));
  assert.match(heard, /504 Gateway Timeout[\s\S]*\r\n\r\nGateway Timeout$/);
  await until("the connection's end", () => origin.connections[0]?.socket.destroyed);
});

test("a request that is sent longer than dialling or idling may take is none of both", async () => {
  await using origin = await OriginRecorder.start();
  const transport = {
    dialTimeoutMs: 40,
    responseHeaderTimeoutMs: 0,
    idleConnectionTimeoutMs: 40,
    maxIdleConnectionsPerHost: 2,
  };
  await using engine = await HttpEngine.start({ originPort: origin.port, upstream: { transport } });
  using client = await RawClient.connect(engine.port);
  for (const count of [1, 2]) {
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    await until("the first half", () => /ab$/.test(origin.connections[0]?.received ?? ""));
    const startMs = performance.now();
    await until("both limits to be over", () => performance.now() - startMs > 100);
    client.send("cd");
    await until("the answer", () => client.received.match(/200 OK/g)?.length === count);
  }
  assert.equal(origin.connections.length, 1);
});

test("one upstream connection serves one client request after another", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  for (const path of ["/1", "/2", "/3"]) await RawClient.exchange(engine.port, last(path));
  assert.equal(origin.connections.length, 1);
  assert.equal(engine.upstream.idleConnections, 1);
});

test("a connection that may not be used again is not", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    `${okAnswer}HTTP/1.1 200 OK\r\nX: unasked\r\nContent-Length: 0\r\n\r\n`,
  ];
  for (const answer of answers) {
    await using origin = await OriginRecorder.start(() => answer);
    await using engine = await HttpEngine.start({ originPort: origin.port });
    const heard = await RawClient.exchange(engine.port, last("/1"));
    assert.doesNotMatch(heard, /unasked/);
    assert.doesNotMatch(await RawClient.exchange(engine.port, last("/2")), /unasked/);
    assert.equal(origin.connections.length, 2);
  }
});

test("bytes nobody asked for on an idle connection end it", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  await RawClient.exchange(engine.port, last("/1"));
  origin.connections[0]?.socket.write(
    "HTTP/1.1 200 OK\r\nX: poisoned\r\nContent-Length: 0\r\n\r\n",
  );
  await until("the idle connection's end", () => engine.upstream.idleConnections === 0);
  assert.doesNotMatch(await RawClient.exchange(engine.port, last("/2")), /poisoned/);
});

/** Answers the first request of a connection and closes it when the second comes. */
const closesOnSecond = (request: string, { socket, received }: OriginConnection) => {
  if (received.length === request.length) return okAnswer;
  socket.destroy();
  return undefined;
};

test("a request that met a closing idle connection is sent again, once and only if that is safe", async () => {
  await using origin = await OriginRecorder.start(closesOnSecond);
  await using engine = await HttpEngine.start({ originPort: origin.port });
  await RawClient.exchange(engine.port, last("/1"));
  assert.match(await RawClient.exchange(engine.port, last("/2")), /200 OK/);
  assert.equal(origin.connections.length, 2);
  const post = "POST /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  assert.match(await RawClient.exchange(engine.port, post), /502 Bad Gateway/);
});

test("a request whose answer has begun is not sent again", async () => {
  await using origin = await OriginRecorder.start((request, { socket, received }) => {
    if (received.length === request.length) return okAnswer;
    socket.end("HTTP/1.1 200 OK\r\nContent-");
    return undefined;
  });
  await using engine = await HttpEngine.start({ originPort: origin.port });
  await RawClient.exchange(engine.port, last("/1"));
  assert.match(await RawClient.exchange(engine.port, last("/2")), /502 Bad Gateway/);
  assert.equal(origin.connections.length, 1);
});

test("a new connection that closes without an answer is not tried again", async () => {
  await using origin = await OriginRecorder.start((_request, { socket }) => {
    socket.destroy();
    return undefined;
  });
  await using engine = await HttpEngine.start({ originPort: origin.port });
  assert.match(await RawClient.exchange(engine.port, last("/")), /502/);
  assert.equal(origin.connections.length, 1);
});

test("idle connections end after their timeout, and all of them with close()", async () => {
  await using origin = await OriginRecorder.start();
  const transport = {
    dialTimeoutMs: 0,
    responseHeaderTimeoutMs: 0,
    idleConnectionTimeoutMs: 20,
    maxIdleConnectionsPerHost: 2,
  };
  await using engine = await HttpEngine.start({ originPort: origin.port, upstream: { transport } });
  await RawClient.exchange(engine.port, last("/"));
  await until("the timeout", () => engine.upstream.idleConnections === 0);
  await using other = await HttpEngine.start({ originPort: origin.port });
  await RawClient.exchange(other.port, last("/"));
  other.upstream.close();
  await until("all ends", () => origin.connections.every(({ socket }) => socket.destroyed));
  assert.match(
    await RawClient.exchange(other.port, last("/")),
    /200 OK/,
    "a late request is served",
  );
  await until("its end", () => origin.connections.every(({ socket }) => socket.destroyed));
});

test("Host is the client's, or the server's own; preservePath puts the server's path in front", async () => {
  await using origin = await OriginRecorder.start();
  const upstream = {
    passHostHeader: false,
    authority: "inner:8080",
    preservePath: true,
    path: "/base/",
  };
  await using engine = await HttpEngine.start({ originPort: origin.port, upstream });
  await RawClient.exchange(engine.port, last("/x?y"));
  assert.match(origin.received, /^GET \/base\/x\?y HTTP\/1\.1\r\nHost: inner:8080\r\n/);
  assert.match(origin.received, /\r\nX-Forwarded-Host: a\r\n/);
});

test("TE: trailers is the only TE that travels, and no User-Agent is made up", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  await RawClient.exchange(
    engine.port,
    get("/", "TE: gzip, trailers\r\nConnection: close, TE\r\n"),
  );
  assert.match(origin.received, /\r\nTE: trailers\r\n/);
  assert.doesNotMatch(origin.received, /gzip|user-agent/i);
});

test("what a handler made of path and host is checked before it is sent", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({
    handler: {
      handle(exchange) {
        if (exchange.path === "/host") exchange.requestHost = "a\r\nX: y";
        else exchange.path = "/a b\r\nX: \u010a/ü";
        engine.upstream.forward(exchange);
      },
    },
    originPort: origin.port,
  });
  assert.match(await RawClient.exchange(engine.port, last("/")), /200 OK/);
  assert.match(origin.received, /^GET \/a%20b%0D%0AX:%20%C4%8A\/%C3%BC HTTP\/1\.1\r\n/);
  assert.match(await RawClient.exchange(engine.port, last("/host")), /500 Internal Server Error/);
  assert.doesNotMatch(origin.received, /X: y/);
});

test("an upgrade is spliced both ways, bytes that come with it included, and each end by itself", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      if (text.endsWith("\r\n\r\n")) {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst",
        );
        text = "";
      } else {
        socket.write(`<${text}>`);
        text = "";
      }
    });
    socket.on("end", () => socket.end("bye"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    await using engine = await HttpEngine.start({ originPort: port });
    using client = await RawClient.connect(engine.port);
    client.send(
      get("/", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"),
    );
    await client.hears(/^HTTP\/1\.1 101 [\s\S]*Upgrade: websocket\r\n\r\nfirst$/);
    client.send("ping");
    await client.hears("<ping>");
    client.socket.end();
    assert.match(await client.hearsEnd(), /bye$/);
    assert.deepEqual(engine.counted, ["GET 101 1"]);
  } finally {
    server.close();
  }
});

const mebibyte = 1_048_576;

test("a slow reader holds the upstream back", async () => {
  const total = 64 * mebibyte;
  let sent = 0;
  const chunk = Buffer.alloc(mebibyte, "x");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      const more = () => {
        while (sent < total) {
          sent += chunk.length;
          if (!socket.write(chunk)) return;
        }
      };
      socket.on("drain", more);
      more();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  try {
    const originPort = typeof address === "object" && address !== null ? address.port : 0;
    await using engine = await HttpEngine.start({ originPort });
    using client = await RawClient.connect(engine.port);
    client.socket.pause();
    client.send(get("/"));
    let before = -1;
    await until("the flow to stand still", async () => {
      const isStill = before === sent && sent > 0;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return isStill;
    });
    assert.ok(sent < 32 * mebibyte, `${sent} bytes were taken for a client that reads nothing`);
    let received = 0;
    client.socket.removeAllListeners("data");
    client.socket.on("data", (bytes) => {
      received += bytes.length;
    });
    client.socket.resume();
    await until("everything", () => received > total, 30_000);
  } finally {
    server.close();
  }
});

test("a slow upstream holds the client back", async () => {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  try {
    const originPort = typeof address === "object" && address !== null ? address.port : 0;
    await using engine = await HttpEngine.start({ originPort });
    using client = await RawClient.connect(engine.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 * mebibyte}\r\n\r\n`);
    let accepted = 0;
    const chunk = Buffer.alloc(mebibyte, "x");
    while (accepted < 64 * mebibyte) {
      accepted += chunk.length;
      if (client.socket.write(chunk)) continue;
      const drained = once(client.socket, "drain").then(() => true);
      const isStuck = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200));
      if (!(await Promise.race([drained, isStuck]))) break;
    }
    assert.ok(
      accepted < 32 * mebibyte,
      `${accepted} bytes were taken for an upstream that reads nothing`,
    );
  } finally {
    server.close();
  }
});
