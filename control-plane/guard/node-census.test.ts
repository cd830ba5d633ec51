import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { until } from "../../test/support/until.ts";
import type { StoreHead } from "../snapshot-store/snapshot-store.ts";
import { type CountedNode, newerThan } from "./newer-nodes.ts";
import { NodeCensus } from "./node-census.ts";

const digest = new Uint8Array(32);
const sources = new Map();
const at = (epoch: bigint, number: bigint, fleetId = "f") => ({ fleetId, epoch, number });
const head = (epoch: bigint, number: bigint): StoreHead => {
  return { fleetId: "f", generation: at(epoch, number), digest, sources };
};
let named = 0;
const node = (epoch: bigint, number: bigint, fleetId?: string): CountedNode => ({
  nodeId: `n${named++}`,
  held: { generation: at(epoch, number, fleetId), digest },
  counts: [{ provider: "etcd", routers: Number(number), services: 0 }],
});
const empty = (): CountedNode => ({ nodeId: `n${named++}`, held: undefined, counts: [] });

for (const [what, nodes, expected] of [
  ["one node that holds more", [node(1n, 9n)], { epoch: 2n, number: 10n }],
  ["half of the nodes", [node(1n, 9n), node(1n, 5n)], { epoch: 2n, number: 10n }],
  ["fewer than half of the nodes", [node(1n, 9n), node(1n, 5n), node(1n, 5n)], undefined],
  ["half of those that hold something, not of all", [node(1n, 9n), empty(), empty()], undefined],
  [
    "one that claims another epoch",
    [node(7n, 1n), node(1n, 9n), node(1n, 9n)],
    { epoch: 2n, number: 10n },
  ],
  ["many of another epoch", [node(7n, 8n), node(7n, 8n), node(1n, 9n)], { epoch: 8n, number: 10n }],
  [
    "one a little ahead of the others",
    [node(1n, 10n), node(1n, 9n), node(1n, 9n)],
    { epoch: 2n, number: 11n },
  ],
  [
    "one with an absurd number",
    [node(1n, 2n ** 62n), node(1n, 9n), node(1n, 9n)],
    { epoch: 2n, number: 10n },
  ],
  ["nodes of another fleet", [node(9n, 9n, "g"), node(9n, 9n, "g")], undefined],
  ["nobody", [], undefined],
] as const) {
  test(`newerThan() with ${what}`, () => {
    assert.deepEqual(newerThan(head(1n, 5n), nodes)?.at, expected);
  });
}

test("newerThan() of a store without a generation goes beyond what nodes hold", () => {
  const none: StoreHead = { fleetId: "f", generation: undefined, digest: undefined, sources };
  const found = newerThan(none, [node(3n, 7n)]);
  assert.deepEqual(found?.at, { epoch: 4n, number: 8n });
  assert.deepEqual(found.held, [{ provider: "etcd", routers: 7, services: 0 }]);
});

function started(connected: readonly CountedNode[] = []) {
  let over = 0;
  const census = new NodeCensus({
    head: () => head(1n, 5n),
    connected: () => connected,
    onOver: () => over++,
    log: new RecordingLog(),
    waitMs: 5,
  });
  return { census, over: () => over };
}

test("NodeCensus begins with a node that is ahead of a leader's store, and counts connected and refused nodes", async () => {
  const { census, over } = started([node(1n, 5n), node(1n, 4n)]);
  census.hello(node(1n, 9n));
  assert.equal(census.isCounting, false, "who does not lead has nothing to say");
  census.isLeading = true;
  census.hello(node(1n, 5n));
  assert.equal(census.isCounting, false);
  census.hello(node(1n, 9n));
  assert.equal(census.isCounting, true);
  census.hello(node(1n, 9n));
  await until("the end", () => over() === 1);
  assert.deepEqual(census.newer?.at, { epoch: 2n, number: 10n });
  census.reset();
  assert.equal(census.newer, undefined);
});

test("NodeCensus of few changes nothing, and begins anew with the next", async () => {
  const { census, over } = started([node(1n, 5n), node(1n, 5n)]);
  census.isLeading = true;
  census.hello(node(1n, 9n));
  await until("the end", () => over() === 1);
  assert.equal(census.newer, undefined);
  census.hello(node(1n, 9n));
  assert.equal(census.isCounting, true);
  census.isLeading = false;
  assert.equal(census.isCounting, false);
});
