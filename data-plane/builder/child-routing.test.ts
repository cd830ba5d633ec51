import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import {
  keyOf,
  middlewareOf,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../../test/support/data-plane-resources.ts";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { RawClient } from "../../test/support/raw-client.ts";
import { RecordedExchange } from "../../test/support/recorded-exchange.ts";
import { StateHarness } from "../../test/support/state-harness.ts";

const notFound = "404 404 page not found";

const parent = (name: string, fields: Parameters<typeof routerOf>[1] = {}) =>
  routerOf(name, { service: "", ...fields });

async function serving(...resources: readonly Resource[]): Promise<StateHarness> {
  const harness = new StateHarness();
  const rejected = await harness.apply([webEntryPoint(), serviceOf("app", [8001]), ...resources]);
  assert.deepEqual(rejected, []);
  return harness;
}

test("a child is found behind its parent only, and no child is 404", async () => {
  const harness = await serving(
    parent("root", { rule: "Host(`a.test`)" }),
    routerOf("api", { parents: ["root"], rule: "Path(`/api`)" }),
    routerOf("web", { parents: ["root"], rule: "Path(`/web`)", service: "web" }),
    serviceOf("web", [8002]),
  );
  assert.equal(harness.ask({ path: "/api" }), "200 127.0.0.1:8001/api");
  assert.equal(harness.ask({ path: "/web" }), "200 127.0.0.1:8002/web");
  assert.equal(harness.ask({ path: "/other" }), notFound);
  assert.equal(harness.ask({ path: "/api", host: "b.test" }), notFound);
});

for (const [what, type, rule, request, expected] of [
  [
    "stripPrefix takes off",
    { $case: "stripPrefix", value: { prefixes: ["/v1"] } },
    "Path(`/a b`)",
    { path: "/v1/a%20b" },
    "200 127.0.0.1:8001/a%20b",
  ],
  [
    "addPrefix puts before",
    { $case: "addPrefix", value: { prefix: "/v2" } },
    "PathPrefix(`/v2/`)",
    { path: "/x" },
    "200 127.0.0.1:8001/v2/x",
  ],
  [
    "headers set",
    {
      $case: "headers",
      value: { request: [{ name: "X-Role", value: "admin" }], response: [] },
    },
    "Header(`X-Role`, `admin`)",
    { headers: [["X-Role", "guest"]] },
    "200 127.0.0.1:8001/",
  ],
  [
    "headers removed",
    { $case: "headers", value: { request: [{ name: "X-Role", value: "" }], response: [] } },
    "Header(`X-Role`, `guest`)",
    { headers: [["X-Role", "guest"]] },
    notFound,
  ],
] as const) {
  test(`children are matched by what the parent's ${what}`, async () => {
    const harness = await serving(
      parent("root", { middlewares: ["m"] }),
      middlewareOf("m", structuredClone(type) as Parameters<typeof middlewareOf>[1]),
      routerOf("child", { parents: ["root"], rule }),
    );
    assert.equal(harness.ask(request), expected);
  });
}

test("trees may be deep, children may have several parents, and each has middlewares of its own", async () => {
  const prefix = (name: string) =>
    middlewareOf(name, { $case: "addPrefix", value: { prefix: `/${name}` } });
  const harness = await serving(
    ...["a", "b", "c", "d"].map(prefix),
    parent("root-a", { rule: "Host(`a.test`)", middlewares: ["a"] }),
    parent("root-b", { rule: "Host(`b.test`)", middlewares: ["b"] }),
    parent("middle", { parents: ["root-a", "root-b"], middlewares: ["c"] }),
    routerOf("leaf", { parents: ["middle"], middlewares: ["d"] }),
  );
  assert.equal(harness.ask(), "200 127.0.0.1:8001/d/c/a/");
  assert.equal(harness.ask({ host: "b.test" }), "200 127.0.0.1:8001/d/c/b/");
});

test("parents and children come and go in any order, one resource at a time", async () => {
  const root = parent("root");
  const middle = parent("middle", { parents: ["root"], rule: "PathPrefix(`/m`)" });
  const leaf = routerOf("leaf", { parents: ["middle"] });
  const harness = await serving(leaf);
  const request = { path: "/m" };
  assert.equal(harness.ask(request), notFound);
  await harness.apply([root]);
  assert.equal(harness.ask(request), notFound);
  await harness.apply([middle]);
  const served = "200 127.0.0.1:8001/m";
  assert.equal(harness.ask(request), served);
  await harness.apply([parent("root", { rule: "Host(`a.test`)" })]);
  assert.equal(harness.ask(request), served, "a changed parent keeps its children");
  await harness.apply([routerOf("leaf", { parents: ["middle"], rule: "Path(`/m`)" })]);
  assert.equal(harness.ask({ path: "/m/x" }), notFound, "a changed child is at its new place only");
  await harness.apply([], { removals: [keyOf(middle)] });
  assert.equal(harness.ask(request), notFound);
  await harness.apply([middle, routerOf("leaf", { parents: ["root"], service: "" })]);
  assert.equal(harness.ask(request), notFound, "a child that became a parent has nobody behind it");
  await harness.apply([routerOf("leaf", { parents: ["middle"] })]);
  await harness.apply([webEntryPoint(), serviceOf("app", [8001]), leaf, middle, root], {
    full: true,
  });
  assert.equal(harness.ask(request), served);
});

test("a router that is bound to an entry point and has parents is rejected", async () => {
  const harness = await serving();
  const rejected = await harness.apply([
    routerOf("both", { parents: ["root"], entryPoints: ["web"] }),
  ]);
  assert.deepEqual(
    rejected.map(({ reason }) => reason),
    ["it is bound to entry points and has parents"],
  );
});

test("a tree that leads back to itself answers 500 and ends", async () => {
  const harness = await serving(
    parent("root"),
    parent("a", { parents: ["root", "c"], rule: "PathPrefix(`/loop`)" }),
    parent("b", { parents: ["a"] }),
    parent("c", { parents: ["b"] }),
    routerOf("fine", { parents: ["root"], rule: "Path(`/fine`)" }),
    parent("self", { parents: ["root", "self"], rule: "PathPrefix(`/self`)" }),
  );
  assert.equal(harness.ask({ path: "/loop" }), "500 Internal Server Error");
  assert.equal(harness.ask({ path: "/self" }), "500 Internal Server Error");
  assert.equal(harness.ask({ path: "/fine" }), "200 127.0.0.1:8001/fine");
});

/** Serves with what the state has, over a socket. */
async function engineOf(harness: StateHarness): Promise<HttpEngine> {
  const handler = harness.entryPoints.get("web")?.httpHandler;
  assert(handler !== undefined);
  return await HttpEngine.start({ handler });
}

async function statusOf(engine: HttpEngine, path: string): Promise<number> {
  const request = `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`;
  return Number((await RawClient.exchange(engine.port, request)).slice(9, 12));
}

test("a request counts for the router that served it and for every parent it came through, once each", async () => {
  const harness = await serving(
    parent("root"),
    parent("middle", { parents: ["root"], rule: "PathPrefix(`/m`)" }),
    routerOf("leaf", { parents: ["middle"], rule: "Path(`/m/x`)" }),
  );
  await using engine = await engineOf(harness);
  using client = await RawClient.connect(engine.port);
  for (const path of ["/m/x", "/m", "/", "/m/x"]) {
    client.received = "";
    client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    await client.hears(/\r\n\r\n(404 page not found\n|127\.0\.0\.1:8001\/m\/x)$/);
  }
  const counts = harness.counters
    .report()
    .routers.map(({ name, rows }) => [
      name,
      ...rows.map(({ status, count }) => `${status} ${count}`),
    ]);
  assert.deepEqual(counts.sort(), [
    ["leaf", "200 2"],
    ["middle", "200 2", "404 1"],
    ["root", "200 2", "404 2"],
  ]);
});

test("a tree of a hundred levels is walked", async () => {
  const levels = 100;
  const harness = await serving(
    parent("r0"),
    ...Array.from({ length: levels - 1 }, (_, index) =>
      parent(`r${index + 1}`, { parents: [`r${index}`] }),
    ),
    routerOf("leaf", { parents: [`r${levels - 1}`] }),
  );
  await using engine = await engineOf(harness);
  assert.equal(await statusOf(engine, "/"), 200);
});

test("what an entry point runs and forbids comes once, before the root", async () => {
  const harness = await serving(
    webEntryPoint("web", { httpMiddlewares: ["m@p"], deniedPathCharacters: "/" }),
    middlewareOf("m@p", { $case: "addPrefix", value: { prefix: "/m%2F" } }),
    parent("root@p"),
    routerOf("leaf@p", { parents: ["root@p"], rule: "PathPrefix(`/m%2F/`)" }),
  );
  assert.equal(harness.ask(), "200 127.0.0.1:8001/m%2F/");
  const exchange = new RecordedExchange({ path: "/%2F" });
  harness.entryPoints.get("web")?.httpHandler.handle(exchange);
  assert.equal(exchange.answer?.status, 400);
  assert.equal(exchange.routerCounters, harness.counters.routers.of("root@p"));
});
