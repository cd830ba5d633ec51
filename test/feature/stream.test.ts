/** The fleet protocol as a data plane sees it, over real gRPC. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import type { FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { FleetFixture } from "../support/fleet-fixture.ts";
import { MemorySnapshotStore } from "../support/memory-snapshot-store.ts";
import { routerResource } from "../support/resources.ts";
import type { ScriptedDataPlane } from "../support/scripted-data-plane.ts";
import { until } from "../support/until.ts";

function routers(count: number, version = 0) {
  return Array.from({ length: count }, (_, index) => routerResource(`r${index}@etcd`, version));
}

async function refusalOf(node: ScriptedDataPlane): Promise<ServiceError> {
  return until("refusal", () => typeof node.ended === "object" && node.ended);
}

function casesOf(messages: readonly FollowResponse[]): (string | undefined)[] {
  return messages.map(({ message }) => message?.$case).filter((name) => name !== "heartbeat");
}

test("a node that holds nothing gets everything", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(5_000) });
  const node = fleet.node();
  await fleet.untilInSync(node);
  assert.equal(node.state.size, 5_000);
  const [transfer] = node.transfers;
  assert.equal(transfer?.begin.base, undefined);
  assert.ok(transfer!.begin.chunkCount > 1);
  assert.equal(casesOf(node.messages)[0], "welcome");
  const [message] = node.messages.map(({ message }) => message);
  assert.ok(message?.$case === "welcome" && message.value.heartbeatIntervalMs === 50);
});

test("a node that waits for the first generation gets it", async () => {
  await using fleet = await FleetFixture.start();
  const node = fleet.node();
  await until("welcome", () => node.messages.length > 0);
  assert.equal(node.transfers.length, 0);
  fleet.upsert(routerResource("r1@etcd"));
  await fleet.untilInSync(node);
});

test("a node that is where the control plane is gets nothing", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(100) });
  const node = fleet.node();
  await fleet.untilInSync(node);
  node.disconnect();
  await until("node gone", () => fleet.service.status.nodes().length === 0);
  node.messages.length = 0;
  node.connect();
  await until("two heartbeats", () => node.messages.length >= 3);
  assert.deepEqual(casesOf(node.messages), ["welcome"]);
  assert.equal(node.transfers.length, 1);
});

test("a generation that changes nothing for a node reaches it as a number", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(10) });
  const node = fleet.node();
  await fleet.untilInSync(node);
  node.disconnect();
  fleet.upsert(routerResource("r0@etcd", 1));
  await until("generation 2", () => fleet.store.generation?.number === 2n);
  fleet.upsert(routerResource("r0@etcd", 0));
  await until("generation 3", () => fleet.store.generation?.number === 3n);
  node.connect();
  await fleet.untilInSync(node);
  assert.deepEqual([node.transfers[1]!.begin.chunkCount, node.transfers[1]!.bytes], [0, 0]);
});

test("a node ahead of the control plane, or of another fleet, is refused and told why", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(2) });
  const future = fleet.node("future", false);
  future.connect({
    running: { fleetId: "fleet-a", epoch: 1n, number: 9n },
    digest: Buffer.alloc(32),
  });
  const foreign = fleet.node("foreign", false);
  foreign.connect({
    running: { fleetId: "fleet-b", epoch: 1n, number: 1n },
    digest: Buffer.alloc(32),
  });
  const refusals = [await refusalOf(future), await refusalOf(foreign)];
  assert.deepEqual(
    refusals.map(({ code, details }) => [code, details]),
    [
      [
        status.FAILED_PRECONDITION,
        "Cannot serve this node: it holds generation 9, the newest here is 1",
      ],
      [
        status.FAILED_PRECONDITION,
        "Cannot serve this node: it holds state of fleet fleet-b, this control plane is of fleet fleet-a",
      ],
    ],
  );
});

test("a store that was replaced ends the streams of nodes that hold the old fleet's state", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(3) });
  const node = fleet.node();
  await fleet.untilInSync(node);
  fleet.store.replace("fleet-b", { upserts: [], removals: [] });
  assert.equal((await refusalOf(node)).code, status.FAILED_PRECONDITION);
  assert.equal(node.state.size, 3);
});

test("a control plane that has not read its store offers nothing", async () => {
  const store = new MemorySnapshotStore("fleet-a", { upserts: routers(3), removals: [] });
  const opened = Promise.withResolvers<void>();
  const open = store.open.bind(store);
  store.open = async (reader) => {
    reader.onPart({ upserts: routers(2), removals: [] }); // half of it
    void opened.promise.then(() => open(reader));
  };
  await using fleet = await FleetFixture.start({ store });
  const node = fleet.node();
  const { code, details } = await refusalOf(node);
  assert.deepEqual(
    [code, details],
    [status.UNAVAILABLE, "this control plane has not read its store yet"],
  );
  opened.resolve();
  await until("head", () => fleet.publisher.committed.head !== undefined);
  node.connect();
  await fleet.untilInSync(node);
});

test("of two streams with one node id the older start is refused and the newer takes over", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(2) });
  const node = fleet.node("twin");
  await fleet.untilInSync(node);
  const older = fleet.node("twin", false);
  older.incarnation = 0n;
  older.connect();
  const refusal = await refusalOf(older);
  assert.equal(refusal.code, status.ALREADY_EXISTS);
  assert.match(refusal.details, /^Cannot follow as node "twin": a newer start of it is connected/);
  const newer = fleet.node("twin", false);
  newer.incarnation = 2n;
  newer.connect();
  await fleet.untilInSync(newer);
  assert.equal((await refusalOf(node)).code, status.ABORTED);
  assert.equal(fleet.service.status.nodes().length, 1);
  assert.equal(fleet.service.status.node("twin")?.incarnation, 2n);
});

test("a hello that makes no sense is refused", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(1) });
  const node = fleet.node("any", false);
  node.connect({ protocol: 0 });
  assert.match((await refusalOf(node)).details, /protocol 0: this control plane speaks 1$/);
  for (const nodeId of ["", "x".repeat(257), "a\u001bb"]) {
    node.connect({ nodeId });
    assert.equal((await refusalOf(node)).code, status.INVALID_ARGUMENT);
  }
});
