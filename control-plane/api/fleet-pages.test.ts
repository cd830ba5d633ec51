import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { AdminAnswer } from "../../foundation/admin/admin-page.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { StoreHead } from "../snapshot-store/snapshot-store.ts";
import type { NodeStatus } from "../stream/fleet-status.ts";
import { createStreamCounts } from "../stream/stream-counts.ts";
import { type FleetPagesInit, fleetPages } from "./fleet-pages.ts";
import { createConfigCounts } from "./metrics-page.ts";

const source = { provider: "etcd", location: "traefik/http/routers/r/rule" };
const diagnostic: Diagnostic = {
  object: { kind: "httpRouter", name: "r@etcd" },
  severity: "error",
  code: "invalid-rule",
  message: "bad",
  source,
  hint: "mend it",
};
const digest = new Uint8Array(32).fill(0xab);
const generation = { fleetId: "f1", epoch: 1n, number: 2n ** 60n };
const head: StoreHead = { fleetId: "f1", generation, digest, sources: new Map() };
const node: NodeStatus = {
  nodeId: "n1",
  incarnation: 3n,
  labels: [{ key: "zone", value: "a" }],
  features: [],
  version: "0.0.0",
  address: "10.0.0.7:5",
  connectedAtMs: 0,
  heardAtMs: 0,
  held: { generation: { ...generation, number: 7n }, digest },
  serving: true,
  timings: undefined,
  rejected: [
    {
      resource: { kind: ResourceKind.HTTP_ROUTER, name: "r@etcd" },
      reason: "<script>",
      source,
    },
  ],
  failure: undefined,
  heldObjects: [],
  refused: [],
  repairs: 0,
  inSync: false,
};

async function page(path: string, fields: Partial<FleetPagesInit> = {}): Promise<string> {
  const pages = fleetPages({
    version: "1.2.3",
    holds: () => [],
    isLeading: () => true,
    sizes: () => ({ bytes: 5, refused: [], waiting: undefined }),
    staticState: () => undefined,
    others: () => [],
    startedAt: new Date(0),
    counts: { ...createConfigCounts(), changes: 5 },
    diagnostics: () => [diagnostic],
    diagnosticCounts: () => ({ errors: 1, warnings: 2 }),
    nodes: () => [node],
    streamCounts: { ...createStreamCounts(), deltas: 4 },
    head: () => head,
    ...fields,
  });
  const made = pages.get(path);
  assert.ok(made, path);
  const answering: Promise<AdminAnswer> = made();
  const answer = await answering;
  assert.equal(answer.status, 200);
  return answer.body;
}

describe("fleetPages()", () => {
  test("answers a ping", async () => {
    assert.equal(await page("/ping"), "OK");
  });

  test("tells its version", async () => {
    assert.deepEqual(JSON.parse(await page("/api/version")), {
      Version: "1.2.3",
      Codename: "switchyard",
      startDate: "1970-01-01T00:00:00.000Z",
    });
  });

  test("lists diagnostics whole", async () => {
    assert.deepEqual(JSON.parse(await page("/api/fleet/diagnostics")), [diagnostic]);
  });

  test("tells the newest generation, and that there is none yet", async () => {
    assert.deepEqual(JSON.parse(await page("/api/fleet/generation")), {
      fleetId: "f1",
      epoch: 1,
      generation: "1152921504606846976",
      digest: "ab".repeat(32),
      sources: {},
    });
    assert.deepEqual(JSON.parse(await page("/api/fleet/generation", { head: () => undefined })), {
      fleetId: null,
      epoch: null,
      generation: null,
      digest: null,
      sources: {},
    });
  });

  test("lists nodes with what they hold and reject, and where that comes from", async () => {
    const [reported] = JSON.parse(await page("/api/fleet/nodes"));
    assert.deepEqual(
      [reported.id, reported.generation, reported.labels, reported.inSync],
      ["n1", 7, { zone: "a" }, false],
    );
    assert.deepEqual(reported.rejected, [
      { object: { kind: "httpRouter", name: "r@etcd" }, reason: "<script>", source },
    ]);
  });

  test("counts for Prometheus", async () => {
    const text = await page("/metrics");
    assert.match(text, /^switchyard_config_changes_total 5$/m);
    assert.match(text, /^switchyard_config_diagnostics\{severity="warning"\} 2$/m);
    assert.match(text, /^switchyard_fleet_nodes\{in_sync="false"\} 1$/m);
    assert.match(text, /^switchyard_generation 1152921504606847000$/m);
    assert.match(text, /^switchyard_stream_deltas_total 4$/m);
    assert.match(text, /^switchyard_stream_bytes_total 0$/m);
    assert.match(text, /^switchyard_node_generation\{node="n1"\} 7$/m);
    assert.match(text, /^switchyard_node_in_sync\{node="n1"\} 0$/m);
    assert.match(text, /^switchyard_node_rejected_resources\{node="n1"\} 1$/m);
    assert.doesNotMatch(text, /^switchyard_node_convergence_seconds\{/m, "no transfer yet");
    const age = /^switchyard_node_contact_age_seconds\{node="n1"\} (\S+)$/m.exec(text)?.[1];
    assert.ok(Number(age) > 1e9, "heard at the beginning of 1970");
  });
});
