import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpMiddleware, ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  bodyResource,
  changeParts,
  keyOf,
  middlewareOf,
  routerOf,
  serviceOf,
  tcpRouterOf,
  tcpServiceOf,
  webEntryPoint,
} from "../../test/support/data-plane-resources.ts";
import { resourceOf } from "../../test/support/resources.ts";
import { StateHarness, type StateHarnessOptions } from "../../test/support/state-harness.ts";
import { connectionFacts } from "../../test/support/tcp-routers.ts";

const addPrefix = (name: string, prefix: string) =>
  middlewareOf(name, { $case: "addPrefix", value: { prefix } });
const chain = (name: string, ...middlewares: string[]) =>
  middlewareOf(name, { $case: "chain", value: { middlewares } });

async function serving(options: StateHarnessOptions = {}): Promise<StateHarness> {
  const harness = new StateHarness(options);
  const rejected = await harness.apply(
    [
      routerOf("r", { rule: "Host(`a.test`)", middlewares: ["m"] }),
      serviceOf("app", [8001]),
      addPrefix("m", "/v1"),
      webEntryPoint(),
    ],
    { full: true },
  );
  assert.deepEqual(rejected, []);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/v1/");
  return harness;
}

test("a changed middleware or service reaches the routers that name it, which stay as they are", async () => {
  const harness = await serving();
  const router = harness.entryPoints.get("web")?.http.find(exchangeFacts());
  await harness.apply([addPrefix("m", "/v2")]);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/v2/");
  await harness.apply([serviceOf("app", [8002])]);
  assert.equal(harness.ask(), "200 127.0.0.1:8002/v2/");
  assert.equal(harness.entryPoints.get("web")?.http.find(exchangeFacts()), router);
});

function exchangeFacts() {
  return {
    method: "GET",
    host: "a.test",
    routingPath: "/",
    query: "",
    requestHeaders: null as never,
    peerAddress: "127.0.0.1",
  };
}

for (const [way, options] of [
  ["in place", {}],
  ["beside", { maxEdits: 0 }],
] as const) {
  test(`an unchanged server of a changed service keeps its connections, a removed one closes (${way})`, async () => {
    const harness = await serving(options);
    const kept = harness.upstreamOf(8001);
    await harness.apply([serviceOf("app", [8001, 8002])]);
    assert.equal(harness.upstreamOf(8001), kept);
    await harness.apply([serviceOf("app", [8001])]);
    assert.equal(harness.upstreamOf(8002)?.closed, 1);
    assert.equal(kept?.closed, 0);
    await harness.apply([], { removals: [keyOf(serviceOf("app", []))] });
    assert.equal(kept?.closed, 1);
    assert.equal(harness.ask(), "404 404 page not found");
  });

  test(`a router whose middleware or service does not exist answers 404 until it does (${way})`, async () => {
    const harness = await serving(options);
    await harness.apply([routerOf("r", { middlewares: ["m", "none"] })]);
    assert.equal(harness.ask(), "404 404 page not found");
    await harness.apply([addPrefix("none", "/x")]);
    assert.equal(harness.ask(), "200 127.0.0.1:8001/x/v1/");
    await harness.apply([], { removals: [keyOf(addPrefix("m", "/v1"))] });
    assert.equal(harness.ask(), "404 404 page not found");
  });

  test(`a resource that cannot be used keeps its last good version and is named until it can (${way})`, async () => {
    const harness = await serving(options);
    const bad = bodyResource("m", { $case: "httpMiddleware", value: HttpMiddleware.create() }, [
      "rate-limit",
    ]);
    const rejection = {
      resourceKind: ResourceKind.HTTP_MIDDLEWARE,
      name: "m",
      reason: "it needs rate-limit, which this version does not have",
    };
    assert.deepEqual(await harness.apply([bad, serviceOf("app", [8005])]), [rejection]);
    assert.equal(harness.ask(), "200 127.0.0.1:8005/v1/");
    assert.deepEqual(await harness.apply([serviceOf("app", [8006])]), [rejection]);
    assert.deepEqual(await harness.apply([addPrefix("m", "/v1")]), []);
    assert.equal(harness.ask(), "200 127.0.0.1:8006/v1/");
    assert.deepEqual(await harness.apply([bad]), [rejection]);
    assert.deepEqual(await harness.apply([], { removals: [keyOf(bad)] }), []);
  });
}

test("a full transfer replaces everything, keeps what is unchanged and last good versions of what is rejected", async () => {
  const harness = await serving();
  const kept = harness.upstreamOf(8001);
  const rejected = await harness.apply(
    [
      webEntryPoint(),
      routerOf("other", { rule: "Host(`b.test`)", middlewares: ["m"] }),
      serviceOf("app", [8001]),
      bodyResource("m", { $case: "httpMiddleware", value: HttpMiddleware.create() }),
    ],
    { full: true },
  );
  assert.deepEqual(
    rejected.map(({ reason }) => reason),
    ["its type is unknown to this version"],
  );
  assert.equal(harness.ask(), "404 404 page not found");
  assert.equal(harness.ask({ host: "b.test" }), "200 127.0.0.1:8001/v1/");
  assert.equal(harness.upstreamOf(8001), kept);
  assert.equal(kept?.closed, 0);
  await harness.apply([webEntryPoint()], { full: true });
  assert.equal(kept?.closed, 1);
});

test("resources this version does not know are rejected, each with its reason", async () => {
  const harness = await serving();
  const router = routerOf("r");
  const rejected = await harness.apply([
    resourceOf(ResourceKind.TCP_MIDDLEWARE, "limit", router.payload),
    resourceOf(ResourceKind.HTTP_SERVICE, "mixed", router.payload),
    resourceOf(ResourceKind.HTTP_ROUTER, "torn", router.payload.subarray(0, 9)),
    bodyResource("ruleless", {
      $case: "httpRouter",
      value: {
        entryPoints: ["web"],
        rule: undefined,
        priority: 1n,
        precedence: 0,
        middlewares: [],
        parents: [],
        service: "app",
        tls: undefined,
        defaultTlsOn: [],
      },
    }),
    serviceOf("tls", [{ scheme: "https", url: "https://x" }]),
    middlewareOf("bare", { $case: "addPrefix", value: { prefix: "" } }),
    tcpRouterOf("sni", { rule: "HostSNI(`db.test`)" }),
  ]);
  assert.deepEqual(
    rejected.map(({ name, reason }) => `${name}: ${reason.split(": ")[0]}`),
    [
      "limit: its kind is unknown to this version",
      "mixed: its content is not of its kind",
      "torn: its content cannot be decoded",
      "ruleless: it has no rule",
      'tls: server "https://x" has scheme "https", which is not supported',
      "bare: addPrefix has an empty prefix",
      "sni: HostSNI(`db.test`) needs TLS, and the router has none",
    ],
  );
  assert.equal(harness.ask(), "200 127.0.0.1:8001/v1/");
});

test("a transfer whose bytes cannot be read fails as a whole and changes nothing", async () => {
  const harness = await serving();
  harness.state.begin(false);
  harness.state.addPart(Buffer.of(0x0a, 0x50, 1));
  await assert.rejects(harness.state.build());
  harness.state.abandon();
  assert.equal(harness.ask(), "200 127.0.0.1:8001/v1/");
});

test("a service that is never meant to be reached says so, and may become a real one and back", async () => {
  const harness = await serving();
  const noop = bodyResource("app", {
    $case: "httpService",
    value: { type: { $case: "noop", value: {} } },
  });
  const server = harness.upstreamOf(8001);
  assert.deepEqual(await harness.apply([noop]), []);
  assert.equal(harness.ask(), "418 I'm a teapot");
  assert.equal(server?.closed, 1);
  await harness.apply([serviceOf("app", [8002])]);
  assert.equal(harness.ask(), "200 127.0.0.1:8002/v1/");
  await harness.apply([noop]);
  assert.equal(harness.upstreamOf(8002)?.closed, 1);
});

test("parts may lie in memory shared with other workers, names and texts beyond ASCII included", async () => {
  const harness = await serving();
  harness.state.begin(false);
  for (const part of changeParts([
    routerOf("größe@file", { rule: "Host(`a.test`) && PathPrefix(`/ä`)" }),
    addPrefix("m", "/v1"),
  ])) {
    const shared = new Uint8Array(new SharedArrayBuffer(part.byteLength));
    shared.set(part);
    harness.state.addPart(shared);
  }
  assert.deepEqual(await harness.state.build(), []);
  await harness.state.switch();
  assert.equal(harness.ask({ path: "/%C3%A4" }), "200 127.0.0.1:8001/%C3%A4");
});

test("an abandoned transfer leaves no connections behind and no trace", async () => {
  const harness = await serving({ sliceMs: 0 });
  await harness.build([serviceOf("app", [8001, 8009])]);
  harness.state.abandon();
  assert.equal(harness.upstreamOf(8009)?.closed, 1);
  assert.equal(harness.upstreamOf(8001)?.closed, 0);
  assert.throws(() => harness.state.switch(), /nothing has been built/);
  const building = harness.build([serviceOf("app", [8010]), addPrefix("m", "/v9")]);
  harness.state.begin(false);
  assert.equal(await building, undefined);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/v1/");
});

test("chains that lead back to themselves are rejected, also when a last good version closes the circle", async () => {
  const harness = await serving();
  await harness.apply([
    chain("a", "b"),
    addPrefix("b", "/b"),
    routerOf("r", { middlewares: ["a"] }),
  ]);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/b/");
  const badA = bodyResource("a", { $case: "httpMiddleware", value: HttpMiddleware.create() });
  const rejected = await harness.apply([badA, chain("b", "c"), chain("c", "a")]);
  assert.deepEqual(rejected.map(({ name }) => name).sort(), ["a", "b"]);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/b/");
  const self = await harness.apply([chain("self", "self")]);
  assert.equal(self.find(({ name }) => name === "self")?.reason, "its chain leads back to itself");
});

test("the old state serves while a full one is built in slices", async () => {
  const harness = await serving({ sliceMs: 0 });
  const routers = Array.from({ length: 200 }, (_, i) =>
    routerOf(`r${i}`, { rule: `Host(\`h${i}.test\`)` }),
  );
  let isBuilding = true;
  let turns = 0;
  const building = harness
    .build([webEntryPoint(), serviceOf("app", [8002]), ...routers], { full: true })
    .finally(() => {
      isBuilding = false;
    });
  while (isBuilding) {
    assert.equal(harness.ask(), "200 127.0.0.1:8001/v1/");
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await building;
  assert(turns > 200, `${turns} turns`);
  await harness.state.switch();
  assert.equal(harness.ask(), "404 404 page not found");
  assert.equal(harness.ask({ host: "h77.test" }), "200 127.0.0.1:8002/");
});

test("a removed entry point keeps its routes for connections that drain; one that comes back gets them all", async () => {
  const harness = await serving();
  const draining = harness.entryPoints.get("web");
  await harness.apply([], { removals: [keyOf(webEntryPoint()), keyOf(routerOf("r"))] });
  assert.equal(harness.ask(), "no entry point");
  assert.equal(draining?.http.find(exchangeFacts())?.name, "r");
  await harness.apply([routerOf("early", { rule: "Host(`a.test`)" }), tcpRouterOf("t")]);
  await harness.apply([webEntryPoint()]);
  assert.equal(harness.ask(), "200 127.0.0.1:8001/");
  assert.equal(harness.entryPoints.get("web")?.tcp.find(connectionFacts())?.name, "t");
});

test("TCP routers and services are bound by name and follow changes", async () => {
  const harness = await serving();
  await harness.apply([tcpRouterOf("t", { service: "db" })]);
  const router = harness.entryPoints.get("web")?.tcp.find(connectionFacts());
  const missing = router?.service.current;
  await harness.apply([tcpServiceOf("db", [5432])]);
  assert.notEqual(router?.service.current, missing);
  await harness.apply([], { removals: [keyOf(tcpRouterOf("t")), keyOf(tcpServiceOf("db", []))] });
  assert.equal(harness.entryPoints.get("web")?.tcp.find(connectionFacts()), undefined);
  assert.equal(router?.service.current, missing);
});

test("node settings reach connections made from then on, and fall back when they are removed", async () => {
  const harness = await serving();
  const settings = bodyResource("node", {
    $case: "nodeSettings",
    value: {
      httpTransport: {
        dialTimeoutMs: 7,
        responseHeaderTimeoutMs: 8,
        idleConnectionTimeoutMs: 9,
        maxIdleConnectionsPerHost: 10,
      },
      tcpTransport: { dialTimeoutMs: 1, dialKeepAliveMs: 2, terminationDelayMs: -1 },
    },
  });
  const { http } = harness.transport;
  await harness.apply([settings]);
  assert.equal(http.dialTimeoutMs, 7);
  assert.equal(harness.transport.tcp.terminationDelayMs, -1);
  await harness.apply([], { removals: [keyOf(settings)] });
  assert.equal(http.dialTimeoutMs, 30_000);
});

test("counters belong to names: a changed router counts on, a removed one is reported once more", async () => {
  const harness = await serving();
  const count = (name: string) => {
    harness.counters.routers.of(name).record("GET", 200, 0);
  };
  count("r");
  await harness.apply([routerOf("r", { rule: "Host(`z.test`)" })]);
  count("r");
  await harness.apply([], { removals: [keyOf(routerOf("r"))] });
  const reported = () =>
    harness.counters.report().routers.map(({ name, rows }) => [name, rows[0]?.count]);
  assert.deepEqual(reported(), [["r", 2]]);
  assert.deepEqual(reported(), []);
});
