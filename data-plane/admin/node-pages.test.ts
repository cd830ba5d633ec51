import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdminAnswer, AdminPage } from "../../foundation/admin/admin-page.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { CounterReport } from "../worker/worker-protocol.ts";
import { CounterTotals } from "./counter-totals.ts";
import { nodePages, type ReportedNode } from "./node-pages.ts";

const options = { readyMaxAgeMs: 0, routerMetrics: false };

function report(count: number, name = "web", method = "GET", open = 0): CounterReport {
  const rows = [
    { status: 200, method, count, durationSecondsSum: count / 2, buckets: [1, 2, count, count] },
  ];
  return {
    entryPoints: [{ name, rows }],
    routers: [{ name: "r@file", rows }],
    services: [{ name: "s@file", rows }],
    udp: [],
    openConnections: [{ entryPoint: name, open }],
  };
}

function node(change: Partial<ReportedNode> = {}, totals = new CounterTotals()): ReportedNode {
  return {
    running: {
      generation: { fleetId: "f", epoch: 2n, number: 41n },
      digest: Buffer.from("ab".repeat(32), "hex"),
      sources: new Map([["etcd", { digest: Buffer.from("cd", "hex"), revision: 5n }]]),
    },
    resources: 7,
    isServing: true,
    isDraining: false,
    boundListeners: 1,
    workers: 2,
    source: "stream",
    confirmedAgeMs: 1_234,
    heardAgeMs: 500,
    counts: { applied: 3, failed: 1, digestMismatches: 1, persistFailures: 0 },
    rejected: () => [],
    totals: async () => totals.totals(),
    serviceOf: () => "s@file",
    ...change,
  };
}

function page(pages: ReadonlyMap<string, AdminPage>, path: string): Promise<AdminAnswer> {
  const found = pages.get(path);
  assert.ok(found !== undefined, path);
  return found();
}

for (const [what, change, maxAgeMs, expected] of [
  ["serves", {}, 0, [200, "ok\n"]],
  ["drains", { isDraining: true }, 0, [503, "draining\n"]],
  ["has no snapshot", { isServing: false }, 0, [503, "no snapshot serves yet\n"]],
  ["has no listener", { boundListeners: 0 }, 0, [503, "no entry point is bound\n"]],
  ["is fresh enough", { confirmedAgeMs: 4_999 }, 5_000, [200, "ok\n"]],
  [
    "is too old",
    { confirmedAgeMs: 60_000 },
    5_000,
    [503, "the state was last confirmed 60 s ago, more than --ready-max-age allows\n"],
  ],
] as const) {
  test(`/readyz of a node that ${what}`, async () => {
    const pages = nodePages(node(change), { ...options, readyMaxAgeMs: maxAgeMs });
    const { status, body } = await page(pages, "/readyz");
    assert.deepEqual([status, body], expected);
    assert.equal((await page(pages, "/livez")).status, 200);
  });
}

test("/snapshot says what is held, where it comes from and what is not served", async () => {
  const rejected = [
    { resourceKind: ResourceKind.ENTRY_POINT, name: "web", reason: "port is in use" },
  ];
  const { body } = await page(nodePages(node({ rejected: () => rejected }), options), "/snapshot");
  assert.deepEqual(JSON.parse(body), {
    epoch: 2,
    generation: 41,
    digest: "ab".repeat(32),
    sources: { etcd: { digest: "cd", revision: "5" } },
    source: "stream",
    ageSeconds: 1.2,
    rejected: [{ kind: "entry_point", name: "web", reason: "port is in use" }],
  });
});

test("/snapshot of a node that holds nothing", async () => {
  const empty = node({ running: undefined, confirmedAgeMs: undefined, source: "cache" });
  assert.deepEqual(JSON.parse((await page(nodePages(empty, options), "/snapshot")).body), {
    epoch: null,
    generation: null,
    digest: null,
    sources: {},
    source: "cache",
    ageSeconds: null,
    rejected: [],
  });
});

test("/metrics sums the workers under Traefik's names, and keeps what a dead one reported", async () => {
  const totals = new CounterTotals();
  totals.update(1, report(4));
  totals.update(2, report(6));
  totals.retire(1);
  totals.update(2, report(7));
  totals.update(3, report(1));
  const { body } = await page(nodePages(node({}, totals), options), "/metrics");
  for (const line of [
    "# TYPE traefik_entrypoint_requests_total counter",
    'traefik_entrypoint_requests_total{code="200",method="GET",protocol="http",entrypoint="web"} 12',
    "# TYPE traefik_entrypoint_request_duration_seconds histogram",
    'traefik_entrypoint_request_duration_seconds_bucket{code="200",method="GET",protocol="http",entrypoint="web",le="0.1"} 3',
    'traefik_entrypoint_request_duration_seconds_bucket{code="200",method="GET",protocol="http",entrypoint="web",le="+Inf"} 12',
    'traefik_entrypoint_request_duration_seconds_sum{code="200",method="GET",protocol="http",entrypoint="web"} 6',
    'traefik_service_requests_total{code="200",method="GET",protocol="http",service="s@file"} 12',
    "switchyard_generation 41",
    'switchyard_transfers_total{outcome="failed"} 1',
    "switchyard_digest_mismatches_total 1",
    "switchyard_control_plane_contact_age_seconds 0.5",
  ]) {
    assert.ok(body.split("\n").includes(line), `${line}\nis not in\n${body}`);
  }
  assert.ok(!body.includes("traefik_router"));
});

test("/metrics has routers when asked for, with their services", async () => {
  const totals = new CounterTotals();
  totals.update(1, report(2));
  const pages = nodePages(node({}, totals), { ...options, routerMetrics: true });
  const { body } = await page(pages, "/metrics");
  assert.ok(
    body.includes(
      'traefik_router_requests_total{code="200",method="GET",protocol="http",router="r@file",service="s@file"} 2\n',
    ),
    body,
  );
});

test("/metrics escapes labels, and counts methods nobody knows as one", async () => {
  const totals = new CounterTotals();
  totals.update(1, report(2, 'we"b\\\n', "BREW"));
  totals.update(2, report(3, 'we"b\\\n', "PROPPATCH"));
  const { body } = await page(nodePages(node({}, totals), options), "/metrics");
  assert.ok(
    body.includes(
      'traefik_entrypoint_requests_total{code="200",method="EXTENSION_METHOD",protocol="http",entrypoint="we\\"b\\\\\\n"} 5\n',
    ),
    body,
  );
});

test("UDP is counted over all workers, sessions that are open over those that run", async () => {
  const counted = (sessions: number): CounterReport => {
    const udp = {
      ...{ entryPoint: "dns", openSessions: 2, sessions, evictedSessions: 1 },
      ...{ receivedDatagrams: 10, sentDatagrams: 9, droppedDatagrams: 1 },
    };
    return { ...report(1), udp: [udp] };
  };
  const totals = new CounterTotals();
  totals.update(0, counted(5));
  totals.update(1, counted(6));
  totals.retire(1);
  const { body } = await page(nodePages(node({}, totals), options), "/metrics");
  for (const [name, value] of Object.entries({
    open_sessions: 2,
    sessions_total: 11,
    evicted_sessions_total: 2,
    received_datagrams_total: 20,
    sent_datagrams_total: 18,
    dropped_datagrams_total: 2,
  })) {
    assert.ok(body.includes(`switchyard_udp_${name}{entrypoint="dns"} ${value}\n`), name);
  }
});

test("open connections are those of workers that run", async () => {
  const totals = new CounterTotals();
  totals.update(0, report(1, "web", "GET", 3));
  totals.update(1, report(1, "web", "GET", 4));
  totals.update(2, report(1, "db"));
  const text = async () => (await page(nodePages(node({}, totals), options), "/metrics")).body;
  assert.match(
    await text(),
    /traefik_open_connections\{entrypoint="web",protocol="TCP"\} 7\n.*entrypoint="db",protocol="TCP"\} 0\n/,
  );
  totals.retire(1);
  assert.match(await text(), /traefik_open_connections\{entrypoint="web",protocol="TCP"\} 3\n/);
});
