import assert from "node:assert/strict";
import { test } from "node:test";
import {
  keyOf,
  middlewareOf,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../../test/support/data-plane-resources.ts";
import { RecordedExchange } from "../../test/support/recorded-exchange.ts";
import { StateHarness } from "../../test/support/state-harness.ts";

const addPrefix = (name: string, prefix: string) =>
  middlewareOf(name, { $case: "addPrefix", value: { prefix } });

const routes = [
  serviceOf("app", [8001]),
  routerOf("r@etcd", { rule: "Host(`a.test`)", middlewares: ["own@etcd"] }),
  routerOf("r@file", { rule: "Host(`b.test`)", middlewares: ["own@etcd"] }),
  addPrefix("own@etcd", "/own"),
  addPrefix("first@etcd", "/first"),
  addPrefix("first@file", "/of-file"),
  addPrefix("second@etcd", "/second"),
];

const guarded = (fields: Parameters<typeof webEntryPoint>[1]) => webEntryPoint("web", fields);

async function serving(fields: Parameters<typeof webEntryPoint>[1]): Promise<StateHarness> {
  const harness = new StateHarness();
  assert.deepEqual(await harness.apply([...routes, guarded(fields)], { full: true }), []);
  return harness;
}

test("an entry point's middlewares run before the router's, in order, by the router's provider", async () => {
  const harness = await serving({ httpMiddlewares: ["first", "second@etcd"] });
  assert.equal(harness.ask(), "200 127.0.0.1:8001/own/second/first/");
  assert.equal(harness.ask({ host: "b.test" }), "200 127.0.0.1:8001/own/second/of-file/");
  assert.equal(harness.ask({ host: "c.test" }), "404 404 page not found");
});

test("routers are matched by the request as it came, not as the entry point's middlewares leave it", async () => {
  const harness = await serving({ httpMiddlewares: ["first@etcd"] });
  await harness.apply([
    routerOf("by-path@etcd", { rule: "Host(`a.test`) && PathPrefix(`/first`)", priority: 99n }),
  ]);
  assert.equal(harness.ask({ path: "/x" }), "200 127.0.0.1:8001/own/first/x");
});

test("a missing middleware of an entry point closes it for the routers it is missing for, until it is there", async () => {
  const harness = await serving({ httpMiddlewares: ["second"] });
  assert.equal(harness.ask(), "200 127.0.0.1:8001/own/second/");
  assert.equal(harness.ask({ host: "b.test" }), "404 404 page not found");
  await harness.apply([addPrefix("second@file", "/late")]);
  assert.equal(harness.ask({ host: "b.test" }), "200 127.0.0.1:8001/own/late/");
  await harness.apply([addPrefix("second@file", "/changed")]);
  assert.equal(harness.ask({ host: "b.test" }), "200 127.0.0.1:8001/own/changed/");
  await harness.apply([], { removals: [keyOf(addPrefix("second@etcd", "/second"))] });
  assert.equal(harness.ask(), "404 404 page not found");
});

test("a changed entry point changes what its routers run, and no router", async () => {
  const harness = await serving({});
  const plain = harness.entryPoints.get("web")?.httpHandler;
  const router = () => harness.entryPoints.get("web")?.http.find(new RecordedExchange());
  const before = router();
  await harness.apply([guarded({ httpMiddlewares: ["first"] })]);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/own/first/");
  await harness.apply([guarded({ httpMiddlewares: ["second"], deniedPathCharacters: "/" })]);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/own/second/");
  assert.equal(harness.ask({ path: "/a%2Fb" }), "400 Bad Request");
  await harness.apply([guarded({})]);
  assert.equal(harness.ask({ path: "/a%2Fb" }), "200 127.0.0.1:8001/own/a%2Fb");
  assert.equal(router(), before);
  assert.equal(harness.entryPoints.get("web")?.httpHandler, plain, "nothing is left in the way");
});

test("a removed entry point's middlewares serve the connections that drain, and close with them", async () => {
  const harness = await serving({ httpMiddlewares: ["first"] });
  const draining = harness.entryPoints.get("web")?.httpHandler;
  harness.ask();
  await harness.apply([], { removals: [keyOf(webEntryPoint())] });
  const later = new RecordedExchange({ host: "b.test" });
  draining?.handle(later);
  assert.equal(later.answer?.status, 200, "a connection that drains is served on");
  await harness.apply([], { removals: routes.map(keyOf) });
  const last = new RecordedExchange();
  draining?.handle(last);
  assert.equal(last.answer?.status, 404);
});

for (const [path, status] of [
  ["/a%2fb", 400],
  ["/a%2Fb", 400],
  ["/%00", 400],
  ["/a%5Cb", 200],
  ["/a/b;c", 200],
  ["/", 200],
] as const) {
  test(`an entry point that forbids / and NUL encoded answers ${status} to ${path}`, async () => {
    const harness = await serving({ deniedPathCharacters: "/\0", httpMiddlewares: ["first"] });
    assert.equal(harness.ask({ path }).slice(0, 3), String(status));
  });
}

test("what no router wants is 404, whatever its path holds", async () => {
  const harness = await serving({ deniedPathCharacters: "/" });
  assert.equal(harness.ask({ host: "c.test", path: "/%2F" }), "404 404 page not found");
});

test("what an entry point answers is counted as the router's", async () => {
  const harness = await serving({ deniedPathCharacters: "/" });
  const exchange = new RecordedExchange({ path: "/%2F" });
  harness.entryPoints.get("web")?.httpHandler.handle(exchange);
  assert.equal(exchange.routerCounters, harness.counters.routers.of("r@etcd"));
});

test("an entry point that forbids what is no byte, or asks for what is unknown, is rejected", async () => {
  const harness = new StateHarness();
  const rejected = await harness.apply([
    webEntryPoint("a", { deniedPathCharacters: "é" }),
    webEntryPoint("b", { underscoreHeaders: 9 as 0 }),
  ]);
  assert.deepEqual(
    rejected.map(({ reason }) => reason),
    [
      '"é" is not one encoded byte',
      "what it does with underscores in header names is unknown to this version",
    ],
  );
});
