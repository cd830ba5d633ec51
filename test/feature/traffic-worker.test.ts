/** A worker thread on its own: parts of a transfer in, answers at sockets out. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { heartbeatSlot } from "../../data-plane/worker/worker-protocol.ts";
import { elapsedMs, monotonicMs } from "../../foundation/monotonic-ms.ts";
import {
  keyOf,
  middlewareOf,
  routerOf,
  serviceOf,
  tcpRouterOf,
  tcpServiceOf,
  webEntryPoint,
} from "../support/data-plane-resources.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { until } from "../support/until.ts";

/** Answers with its name and what it was asked. */
async function origin(name: string): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    response.end(`${name} ${request.method} ${request.url} ${request.headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

async function ask(port: number, path = "/", host = "a.test", agent?: Agent): Promise<Answer> {
  const request = get({ host: "127.0.0.1", port, path, headers: { host }, agent: agent ?? false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  return { status: response.statusCode, body };
}

test("a traffic worker routes connections handed to it by what it was sent", async () => {
  await using blue = await origin("blue");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  const rejected = await worker.apply(
    [
      webEntryPoint(),
      routerOf("r", { rule: "Host(`a.test`) && PathPrefix(`/api`)", middlewares: ["m"] }),
      serviceOf("app", [blue.port]),
      middlewareOf("m", { $case: "addPrefix", value: { prefix: "/v1" } }),
    ],
    { full: true },
  );
  assert.deepEqual(rejected, []);
  assert.deepEqual(await ask(port, "/api/x?y=1"), {
    status: 200,
    body: "blue GET /v1/api/x?y=1 a.test",
  });
  assert.deepEqual(await ask(port, "/other"), { status: 404, body: "404 page not found\n" });
  assert.deepEqual(await ask(port, "/api", "b.test"), {
    status: 404,
    body: "404 page not found\n",
  });
});

function routes(port: number, prefix: string) {
  return [
    webEntryPoint(),
    routerOf("r", { middlewares: ["m"] }),
    serviceOf("app", [port]),
    middlewareOf("m", { $case: "addPrefix", value: { prefix } }),
  ];
}

test("requests on one kept connection see each switch, and none fails", async () => {
  await using blue = await origin("blue");
  await using green = await origin("green");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(routes(blue.port, "/0"), { full: true });
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const seen = new Set<string>();
  let asking: boolean = true;
  const askers = Array.from({ length: 4 }, async () => {
    while (asking) {
      const { status, body } = await ask(port, "/", "a.test", agent);
      assert.equal(status, 200, body);
      seen.add(body);
    }
  });
  for (let turn = 1; turn <= 20; turn += 1) {
    const [name, { port: server }] = turn % 2 === 0 ? ["blue", blue] : ["green", green];
    const changed = routes(server, `/${turn}`).slice(2); // service and middleware in one transfer
    await worker.apply(turn % 5 === 0 ? routes(server, `/${turn}`) : changed, {
      full: turn % 5 === 0,
    });
    assert.equal((await ask(port, "/", "a.test", agent)).body, `${name} GET /${turn}/ a.test`);
  }
  asking = false;
  await Promise.all(askers);
  for (const body of seen) {
    const [, name, turn] = /^(\w+) GET \/(\d+)\/ /.exec(body) ?? [];
    assert.equal(name, Number(turn) % 2 === 0 ? "blue" : "green", `a mixture was served: ${body}`);
  }
  assert(worker.openConnections <= 4, `${worker.openConnections} connections`);
  agent.destroy();
});

test("a traffic worker serves on when a transfer cannot be built", async () => {
  await using blue = await origin("blue");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(routes(blue.port, "/v1"), { full: true });
  const answer = await worker.build([Buffer.of(0x0a, 0x7f, 1)], true);
  assert.equal(answer.kind, "failed");
  assert.equal((await ask(port)).body, "blue GET /v1/ a.test");
  const rejected = await worker.apply([serviceOf("app", [{ scheme: "h2c", url: "h2c://x" }])]);
  assert.deepEqual(
    rejected.map(({ name }) => name),
    ["app"],
  );
  assert.equal((await ask(port)).body, "blue GET /v1/ a.test");
});

test("a TCP router gets connections before HTTP does, and keeps those it has", async () => {
  await using blue = await origin("blue");
  const echo = createTcpServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  const echoPort = (echo.address() as AddressInfo).port;
  await worker.apply(
    [
      ...routes(blue.port, "/v1"),
      tcpRouterOf("t", { service: "echo" }),
      tcpServiceOf("echo", [echoPort]),
    ],
    { full: true },
  );
  const client = connect(port, "127.0.0.1").setEncoding("utf8");
  client.write("ping");
  assert.deepEqual(await once(client, "data"), ["ping"]);
  await worker.apply([], { removals: [keyOf(tcpRouterOf("t")), keyOf(tcpServiceOf("echo", []))] });
  assert.equal((await ask(port)).body, "blue GET /v1/ a.test");
  client.write("still");
  assert.deepEqual(await once(client, "data"), ["still"]);
  client.end();
  await once(client, "close");
  await until("the worker to have counted it out", () => worker.openConnections === 0);
  echo.close();
});

test("a traffic worker reports its counters by name", async () => {
  await using blue = await origin("blue");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(routes(blue.port, "/v1"), { full: true });
  for (let i = 0; i < 3; i += 1) await ask(port);
  const { entryPoints, routers, services } = await worker.collectCounters();
  for (const [report] of [entryPoints, routers, services]) {
    assert.deepEqual(
      report?.rows.map(({ status, method, count }) => [status, method, count]),
      [[200, "GET", 3]],
    );
  }
  assert.deepEqual(
    [entryPoints[0]?.name, routers[0]?.name, services[0]?.name],
    ["web", "r", "app"],
  );
});

test("draining lets an open request finish, closes idle connections and says when all is done", async () => {
  const release = Promise.withResolvers<void>();
  const slow = createServer((_, response) => void release.promise.then(() => response.end("slow")));
  slow.listen(0, "127.0.0.1");
  await once(slow, "listening");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(routes((slow.address() as AddressInfo).port, "/v1"), { full: true });
  const idle = connect(port, "127.0.0.1").resume();
  const answer = ask(port);
  await once(slow, "request");
  await until("both connections", () => worker.openConnections === 2);
  worker.tell({ kind: "drain" });
  const drained = worker.answer("drained");
  await once(idle, "close");
  release.resolve();
  assert.deepEqual(await answer, { status: 200, body: "slow" });
  await drained;
  await until("the last to be counted out", () => worker.openConnections === 0);
  slow.closeAllConnections();
  slow.close();
});

test("connections of a listener that is gone drain while the entry point serves new ones", async () => {
  await using blue = await origin("blue");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(routes(blue.port, "/v1"), { full: true });
  const idle = connect(port, "127.0.0.1").resume();
  await until("the connection to be handed over", () => worker.openConnections === 1);
  assert.equal((await ask(port)).status, 200); // the worker has taken both by now
  worker.tell({ kind: "drainEntryPoint", entryPoint: "web" });
  await once(idle, "close");
  assert.equal((await ask(port)).body, "blue GET /v1/ a.test");
});

test("a connection for an entry point that does not exist is closed and logged", async () => {
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen("nowhere");
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {});
  await once(client.resume(), "close");
  await until("the log line", () => worker.log.some(({ level }) => level === "error"));
  assert.equal(worker.log[0]?.message, "connection for an unknown entry point");
  await until("it to be counted out", () => worker.openConnections === 0);
});

test("a traffic worker beats while it is alive", async () => {
  await using worker = await TrafficWorkerThread.start();
  const first = Atomics.load(worker.columns, heartbeatSlot);
  assert(elapsedMs(first, monotonicMs()) < 5_000);
  await until("another beat", () => Atomics.load(worker.columns, heartbeatSlot) !== first);
});

/** What an origin was sent, as it lies in the request. */
async function mirror(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((request, response) => {
    response.setHeader("X-Removed", "by the edge");
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("middlewares change what an upstream is sent and what a client gets", async () => {
  await using upstream = await mirror();
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  const edit = (name: string, value: string) => ({ name, value });
  await worker.apply(
    [
      webEntryPoint(),
      routerOf("r", { middlewares: ["all"] }),
      serviceOf("app", [upstream.port]),
      middlewareOf("all", { $case: "chain", value: { middlewares: ["strip", "edit"] } }),
      middlewareOf("strip", { $case: "stripPrefix", value: { prefixes: ["/api"] } }),
      middlewareOf("edit", {
        $case: "headers",
        value: {
          request: [edit("Host", "inner.test"), edit("X-Forwarded-For", ""), edit("X-New", "1")],
          response: [edit("X-Added", "2"), edit("X-Removed", "")],
        },
      }),
    ],
    { full: true },
  );
  const request = get({ host: "127.0.0.1", port, path: "/api/a%2Fb?c=d", agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const seen = JSON.parse((await response.setEncoding("utf8").toArray()).join(""));
  assert.equal(seen.url, "/a%2Fb?c=d");
  assert.equal(seen.headers["host"], "inner.test");
  assert.equal(seen.headers["x-forwarded-prefix"], "/api");
  assert.equal(seen.headers["x-new"], "1");
  assert.equal(seen.headers["x-forwarded-for"], undefined);
  assert.equal(response.headers["x-added"], "2");
  assert.equal(response.headers["x-removed"], undefined);
  assert.deepEqual(await ask(port, "/api./x"), { status: 400, body: "Bad Request" });
});

test("a service without servers, or with one that is gone, is answered for", async () => {
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(
    [
      webEntryPoint(),
      routerOf("none", { rule: "Path(`/none`)", service: "none" }),
      serviceOf("none", []),
      routerOf("gone", { rule: "Path(`/gone`)", service: "gone" }),
      serviceOf("gone", [1]), // nothing listens there
    ],
    { full: true },
  );
  assert.deepEqual(await ask(port, "/none"), { status: 503, body: "no available server\n" });
  assert.deepEqual(await ask(port, "/gone"), { status: 502, body: "Bad Gateway" });
});

test("a traffic worker that fails in a way nobody caught dies, for the main thread to start another", async () => {
  await using worker = await TrafficWorkerThread.start();
  const failed = once(worker.thread, "error");
  worker.post({ kind: "switch", transfer: 7 }); // nothing was built: the protocol is broken
  const [error] = (await failed) as [Error];
  assert.match(error.message, /nothing has been built/);
});

test("a removed entry point serves the connections it has until they are drained, then it is gone", async () => {
  await using blue = await origin("blue");
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  await worker.apply(routes(blue.port, "/v1"), { full: true });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal((await ask(port, "/", "a.test", agent)).status, 200);
  await worker.apply([], { removals: [keyOf(webEntryPoint()), keyOf(routerOf("r"))] });
  assert.equal((await ask(port, "/", "a.test", agent)).body, "blue GET /v1/ a.test");
  worker.tell({ kind: "drainEntryPoint", entryPoint: "web" });
  await until("the kept connection to be closed", () => worker.openConnections === 0);
  const late = connect(port, "127.0.0.1");
  late.on("error", () => {});
  await once(late.resume(), "close");
  agent.destroy();
});
