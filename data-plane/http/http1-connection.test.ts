import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { OriginRecorder, okAnswer } from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";
import { until } from "../../test/support/until.ts";
import type { HttpExchange } from "./http-exchange.ts";

const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
/** Answers with what was asked for. */
const echo = {
  handle(exchange: HttpExchange) {
    exchange.respond(200, `${exchange.method} ${exchange.path}${exchange.query};`);
  },
};
const bodyOf = (response: string) => response.slice(response.indexOf("\r\n\r\n") + 4);
const statusesOf = (responses: string) =>
  [...responses.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

test("a connection is kept for one request after another", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  using client = await RawClient.connect(engine.port);
  for (const path of ["/1", "/2?x", "/3"]) {
    client.send(get(path));
    await client.hears(`GET ${path};`);
  }
  assert.doesNotMatch(client.received, /connection:/i);
  assert.deepEqual(engine.counted, ["GET 200 3"]);
});

test("pipelined requests are answered in order, the slow ones first come first too", async () => {
  const waiting: HttpExchange[] = [];
  const handler = {
    handle(exchange: HttpExchange) {
      if (exchange.path === "/slow") waiting.push(exchange);
      else echo.handle(exchange);
    },
  };
  await using engine = await HttpEngine.start({ handler });
  using client = await RawClient.connect(engine.port);
  client.send(get("/1") + get("/slow") + get("/3"));
  await client.hears("GET /1;");
  const slow = await until("the slow request", () => waiting.at(0));
  client.send(get("/4"));
  slow.respond(200, "slow;");
  await client.hears("GET /4;");
  const bodies = client.received.match(/(GET \/\d|slow);/g);
  assert.deepEqual(bodies, ["GET /1;", "slow;", "GET /3;", "GET /4;"]);
});

test("a thousand pipelined requests, bodies among them, arrive whole", async () => {
  await using origin = await OriginRecorder.start((request) => {
    const body = bodyOf(request);
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  const posts = Array.from({ length: 1_000 }, (_, index) => {
    const body = `<${index}>`;
    return `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  });
  client.send(posts.join(""));
  await client.hears("<999>");
  const answered = [...client.received.matchAll(/<(\d+)>/g)].map(([, index]) => Number(index));
  assert.deepEqual(
    answered,
    Array.from({ length: 1_000 }, (_, index) => index),
  );
});

const keepAliveRules: readonly (readonly [string, string, RegExp | undefined, boolean])[] = [
  ["1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", undefined, true],
  ["1.1 that wants to close", get("/", "Connection: close\r\n"), /^Connection: close\r$/m, false],
  ["1.0", "GET / HTTP/1.0\r\n\r\n", /^Connection: close\r$/m, false],
  [
    "1.0 that wants to stay",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    /^Connection: keep-alive\r$/m,
    true,
  ],
];

for (const [what, request, header, isKept] of keepAliveRules) {
  test(`a client of ${what} is ${isKept ? "kept" : "closed"}`, async () => {
    await using engine = await HttpEngine.start({ handler: echo });
    using client = await RawClient.connect(engine.port);
    client.send(request);
    await client.hears(";");
    if (header === undefined) assert.doesNotMatch(client.received, /^connection:/im);
    else assert.match(client.received, header);
    if (isKept) {
      client.send(get("/again"));
      await client.hears("GET /again;");
    } else {
      await client.hearsEnd();
    }
  });
}

test("keepAliveMaxRequests closes with the response that reaches it", async () => {
  await using engine = await HttpEngine.start({
    handler: echo,
    settings: { keepAliveMaxRequests: 2 },
  });
  const heard = await RawClient.exchange(engine.port, get("/1") + get("/2") + get("/3"));
  assert.deepEqual(statusesOf(heard), [200, 200]);
  assert.equal(heard.match(/Connection: close/g)?.length, 1);
});

test("keepAliveMaxTime closes an older connection with its next response", async () => {
  await using engine = await HttpEngine.start({
    handler: echo,
    settings: { keepAliveMaxTimeMs: 1 },
  });
  using client = await RawClient.connect(engine.port);
  const startMs = performance.now();
  await until("the limit to be over", () => performance.now() - startMs > 5);
  client.send(get("/"));
  assert.match(await client.hearsEnd(), /Connection: close/);
});

test("the answer to HEAD has the length of the body and no body", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  using client = await RawClient.connect(engine.port);
  client.send("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n");
  client.send(get("/next"));
  const heard = await client.hears("GET /next;");
  assert.match(heard, /Content-Length: 10\r\n/);
  assert.doesNotMatch(heard, /HEAD \/abc;/);
});

test("OPTIONS * is answered here", async () => {
  await using engine = await HttpEngine.start({ handler: { handle: () => assert.fail("routed") } });
  using client = await RawClient.connect(engine.port);
  client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await client.hears("\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\n/);
});

test("a malformed request is answered once and ends the connection, what follows is not served", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  const heard = await RawClient.exchange(
    engine.port,
    get("/1") + get("/", "Bad : x\r\n") + get("/3"),
  );
  assert.deepEqual(statusesOf(heard), [200, 400]);
  assert.match(heard, /Connection: close\r\n\r\n400 Bad Request$/);
});

test("a head that cannot become one is refused before its end", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  for (const start of ["\x16\x03\x01", "GET / HTTP/1.1\nHost"]) {
    assert.deepEqual(statusesOf(await RawClient.exchange(engine.port, start)), [400], start);
  }
});

test("heads larger than maxHeaderBytes get 431, endless request lines 414", async () => {
  await using engine = await HttpEngine.start({
    handler: echo,
    settings: { maxHeaderBytes: 2_000 },
  });
  const long = "x".repeat(3_000);
  assert.deepEqual(
    statusesOf(await RawClient.exchange(engine.port, get("/", `A: ${long}\r\n`))),
    [431],
  );
  assert.deepEqual(
    statusesOf(await RawClient.exchange(engine.port, get("/").slice(0, 20) + long)),
    [431],
  );
  assert.deepEqual(statusesOf(await RawClient.exchange(engine.port, `GET /${long}`)), [414]);
});

test("one empty line before a request is passed over", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  using client = await RawClient.connect(engine.port);
  client.send(`\r\n${get("/1")}\r\n${get("/2")}`);
  await client.hears("GET /2;");
});

test("an idle connection is closed after idleTimeout, silently", async () => {
  await using engine = await HttpEngine.start({ handler: echo, settings: { idleTimeoutMs: 20 } });
  const heard = await RawClient.exchange(engine.port, get("/1"));
  assert.deepEqual(statusesOf(heard), [200]);
});

test("a head that comes too slowly gets 408; a connection that sends nothing is closed", async () => {
  await using engine = await HttpEngine.start({ handler: echo, settings: { readTimeoutMs: 30 } });
  assert.deepEqual(statusesOf(await RawClient.exchange(engine.port, "GET / HT")), [408]);
  assert.equal(await RawClient.exchange(engine.port, ""), "");
  const later = await RawClient.exchange(engine.port, `${get("/1")}GET / HT`);
  assert.deepEqual(statusesOf(later), [200, 408]);
});

test("a body that comes too slowly gets 408 and its upstream is let go", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({
    originPort: origin.port,
    settings: { readTimeoutMs: 60 },
  });
  const heard = await RawClient.exchange(
    engine.port,
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
  );
  assert.deepEqual(statusesOf(heard), [408]);
  await until("the upstream's end", () => origin.connections[0]?.socket.destroyed);
});

test("a client that has sent its request may close its half and is answered", async () => {
  await using origin = await OriginRecorder.start(() => undefined);
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  client.send(get("/"));
  client.socket.end();
  const connection = await until("the request", () =>
    origin.received.includes("\r\n\r\n") ? origin.connections[0] : undefined,
  );
  connection.socket.write(okAnswer);
  assert.match(await client.hearsEnd(), /ok$/);
});

test("a client that goes away takes its upstream request with it and counts as 499", async () => {
  await using origin = await OriginRecorder.start(() => undefined);
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  client.send(get("/"));
  await until("the request", () => origin.received.includes("\r\n\r\n"));
  client.socket.resetAndDestroy();
  await until("the upstream's end", () => origin.connections[0]?.socket.destroyed);
  await until("the count", () => engine.counted.includes("GET 499 1"));
});

test("a handler that throws costs its request a 500 and nothing else", async () => {
  const handler = {
    handle(exchange: HttpExchange) {
      if (exchange.path === "/bad") throw new Error("boom");
      echo.handle(exchange);
    },
  };
  await using engine = await HttpEngine.start({ handler });
  using client = await RawClient.connect(engine.port);
  client.send(get("/bad") + get("/good"));
  assert.match(
    await client.hears("GET /good;"),
    /500 Internal Server Error[\s\S]*Internal Server Error/,
  );
  assert.equal(engine.log.lines[0]?.message, "handler threw");
});

test("a response edit that throws costs its request a 500 and nothing else", async () => {
  await using origin = await OriginRecorder.start();
  const edit = {
    editResponseHead() {
      throw new Error("boom");
    },
  };
  const handler = {
    handle(exchange: HttpExchange) {
      if (exchange.path !== "/good") exchange.addResponseEdit(edit);
      if (exchange.path === "/local") exchange.respond(200, "never");
      else engine.upstream.forward(exchange);
    },
  };
  await using engine = await HttpEngine.start({ originPort: origin.port, handler });
  using client = await RawClient.connect(engine.port);
  client.send(get("/proxied") + get("/local") + get("/good"));
  const heard = await client.hears(/ok$/);
  assert.deepEqual(statusesOf(heard), [500, 500, 200]);
});

test("response edits run last added first; chains return to the list around them", async () => {
  const mark = (name: string) => ({
    editResponseHead: ({ headers }: { headers: { append(name: string, value: string): void } }) =>
      headers.append("X-Order", name),
  });
  const middleware = (name: string) => ({
    current: {
      handle(exchange: HttpExchange) {
        exchange.addResponseEdit(mark(name));
        exchange.next();
      },
    },
  });
  const chain = {
    current: {
      handle: (exchange: HttpExchange) => exchange.runThenNext([middleware("b"), middleware("c")]),
    },
  };
  const handler = {
    handle: (exchange: HttpExchange) =>
      exchange.run([middleware("a"), chain, middleware("d")], { current: echo }),
  };
  await using engine = await HttpEngine.start({ handler });
  using client = await RawClient.connect(engine.port);
  client.send(get("/"));
  const order = (await client.hears("GET /;")).match(/X-Order: \w/g)?.map((line) => line.at(-1));
  assert.deepEqual(order, ["d", "c", "b", "a"]);
});

const withBody = (length: number, fields = "") =>
  `POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${fields}\r\n`;

test("a body nobody reads is dropped and the connection kept, up to a limit", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  using client = await RawClient.connect(engine.port);
  client.send(`${withBody(5)}12345${get("/next")}`);
  await client.hears("GET /next;");
  const heard = await RawClient.exchange(engine.port, withBody(10_000_000));
  assert.match(heard, /Connection: close/);
});

test("Expect: 100-continue is answered once the body is wanted, and not sent on", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  client.send(withBody(3, "Expect: 100-continue\r\n"));
  await client.hears("HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  await client.hears(/200 OK[\s\S]*ok$/);
  assert.doesNotMatch(origin.received, /expect/i);
  assert.match(origin.received, /abc$/);
});

test("without anyone to want the body there is no 100, and the connection ends", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  const heard = await RawClient.exchange(engine.port, withBody(3, "Expect: 100-continue\r\n"));
  assert.deepEqual(statusesOf(heard), [200]);
  assert.match(heard, /Connection: close/);
});

test("drain() closes idle connections, lets open requests end, and cuts what outlasts the grace", async () => {
  const waiting: HttpExchange[] = [];
  await using engine = await HttpEngine.start({
    handler: { handle: (exchange) => void waiting.push(exchange) },
  });
  using idle = await RawClient.connect(engine.port);
  using busy = await RawClient.connect(engine.port);
  using stuck = await RawClient.connect(engine.port);
  busy.send(get("/busy"));
  stuck.send(get("/stuck"));
  await until("both requests", () => waiting.length === 2);
  await until("all connections", () => engine.entryPoint.connections.size === 3);
  const drained = engine.entryPoint.drain(200);
  await idle.hearsEnd();
  waiting.find(({ path }) => path === "/busy")?.respond(200, "done");
  assert.match(await busy.hearsEnd(), /Connection: close\r\n\r\ndone$/);
  await drained;
  assert.equal(await stuck.hearsEnd(), "");
  assert.equal(engine.entryPoint.connections.size, 0);
});

test("changed settings hold for the next request of an open connection", async () => {
  await using engine = await HttpEngine.start({ handler: echo });
  using client = await RawClient.connect(engine.port);
  client.send(get("/a/../b"));
  await client.hears("GET /b;");
  engine.entryPoint.updateSettings({ ...engine.entryPoint.settings, sanitizePath: false });
  client.send(get("/a/../b"));
  await client.hears("GET /a/../b;");
});

test("bodies of local answers are UTF-8 text unless their headers say otherwise", async () => {
  const handler = {
    handle(exchange: HttpExchange) {
      if (exchange.path === "/text") exchange.respond(200, "é");
      else if (exchange.path === "/html")
        exchange.respond(200, "<p>", [["Content-Type", "text/html"]]);
      else exchange.respond(204, "");
    },
  };
  await using engine = await HttpEngine.start({ handler });
  using client = await RawClient.connect(engine.port);
  client.send(get("/text") + get("/html") + get("/none"));
  const heard = await client.hears("204 No Content");
  assert.match(
    heard,
    /Content-Type: text\/plain; charset=utf-8\r\n[\s\S]*Content-Length: 2\r\n\r\n\xc3\xa9/,
  );
  assert.match(heard, /Content-Type: text\/html\r\n[\s\S]*<p>/);
  assert.doesNotMatch(heard.slice(heard.indexOf("204")), /content-length|content-type/i);
});
