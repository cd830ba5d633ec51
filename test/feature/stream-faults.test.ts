/** What goes wrong between a control plane and its nodes, over real gRPC, and that it heals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { FleetFixture } from "../support/fleet-fixture.ts";
import { routerResource } from "../support/resources.ts";
import type { ScriptedDataPlane } from "../support/scripted-data-plane.ts";
import { until } from "../support/until.ts";

function routers(count: number, version = 0) {
  return Array.from({ length: count }, (_, index) => routerResource(`r${index}@etcd`, version));
}

async function endOf(node: ScriptedDataPlane): Promise<ServiceError> {
  return until("end of the stream", () => typeof node.ended === "object" && node.ended);
}

/** Sends heartbeats until disposed, as a data plane does. */
function beating(...nodes: readonly ScriptedDataPlane[]): Disposable {
  const timer = setInterval(() => {
    for (const node of nodes) node.sendHeartbeat();
  }, 20);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test("a node that holds another state without knowing is healed by its heartbeat", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(10) });
  const node = fleet.node();
  await fleet.untilInSync(node);
  node.sendHeartbeat();
  node.state.apply({ upserts: [routerResource("r1@etcd", "rotten")], removals: [] });
  node.sendHeartbeat();
  await until("healed", () => node.transfers.length === 2);
  await fleet.untilInSync(node);
  assert.equal(node.transfers[1]!.begin.base, undefined);
});

test("changes during a transfer become one delta after it", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(10) });
  const node = fleet.node();
  await fleet.untilInSync(node);
  node.answers = false; // the transfer stays in flight
  fleet.upsert(routerResource("r1@etcd", 1));
  await until("transfer", () => node.transfers.length === 2);
  for (const version of [2, 3, 4, 5]) {
    fleet.upsert(routerResource("r1@etcd", version));
    await until("commit", () => fleet.store.generation?.number === BigInt(version + 1));
  }
  assert.equal(node.transfers.length, 2);
  node.answers = true;
  node.reportServing();
  await fleet.untilInSync(node);
  assert.equal(node.transfers.length, 3);
  assert.equal(node.transfers[2]!.begin.base?.number, 2n);
});

test("a node that says nothing any more is closed", async () => {
  const times = { silenceMs: 100 };
  await using fleet = await FleetFixture.start({ resources: routers(1), times });
  const [silent, beatingNode] = [fleet.node("silent"), fleet.node("beating")];
  using _ = beating(beatingNode);
  const { code, details } = await endOf(silent);
  assert.equal(code, status.DEADLINE_EXCEEDED);
  assert.equal(details, "nothing was heard from this node for 0.1 s");
  await fleet.untilInSync(beatingNode);
});

test("a node that never says how a transfer went is closed", async () => {
  const times = { statusMs: 100 };
  await using fleet = await FleetFixture.start({ resources: routers(1), times });
  const node = fleet.node("mute", false);
  node.answers = false;
  node.connect();
  using _ = beating(node);
  const { code, details } = await endOf(node);
  assert.equal(code, status.DEADLINE_EXCEEDED);
  assert.equal(details, "no status of the transfer came for 0.1 s");
});

test("a stream without a hello is closed", async () => {
  await using fleet = await FleetFixture.start({ times: { helloMs: 50 } });
  const node = fleet.node("nobody", false);
  node.open();
  assert.equal((await endOf(node)).details, "no hello came");
});

test("rejections are joined with their source, bounded, and end with the next report", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(3) });
  const node = fleet.node("node-1", false);
  const rejection = { kind: ResourceKind.HTTP_ROUTER, name: "r1@etcd", reason: "no such regexp" };
  node.rejected = [
    rejection,
    { kind: ResourceKind.HTTP_ROUTER, name: "x@file", reason: `\u001b[31m${"y".repeat(1_000)}` },
    ...Array.from({ length: 2_000 }, () => rejection),
  ];
  node.connect();
  await until("serving", () => fleet.service.status.node("node-1")?.serving);
  const reported = fleet.service.status.node("node-1")!;
  assert.equal(reported.inSync, false);
  assert.equal(reported.rejected.length, 1_000);
  assert.deepEqual(reported.rejected[0], {
    resource: { kind: ResourceKind.HTTP_ROUTER, name: "r1@etcd" },
    reason: "no such regexp",
    source: { provider: "etcd", location: "traefik/http/r1@etcd" },
  });
  assert.equal(reported.rejected[1]!.source, undefined);
  assert.equal(reported.rejected[1]!.reason, `\u{FFFD}[31m${"y".repeat(251)}`);
  node.rejected = [];
  node.reportServing();
  await fleet.untilInSync(node);
});

test("FleetStatus tells what a node reported and every change of it", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(3) });
  const seen: (boolean | undefined)[] = [];
  const stopListening = fleet.service.status.onChange(({ node }) => seen.push(node?.inSync));
  const node = fleet.node();
  await fleet.untilInSync(node);
  const { labels, version, timings, held } = fleet.service.status.node("node-1")!;
  assert.deepEqual(labels, [{ key: "zone", value: "a" }]);
  assert.equal(version, "0.0.0-test");
  assert.equal(held?.generation.number, 1n);
  assert.equal(timings?.full, true);
  for (const phase of ["receivedUs", "validatedUs", "appliedUs", "servingUs"] as const) {
    assert.equal(timings?.[phase], 100);
  }
  node.disconnect();
  await until("gone", () => fleet.service.status.nodes().length === 0);
  stopListening();
  assert.deepEqual([seen[0], seen.at(-2), seen.at(-1)], [false, true, undefined]);
});

test("a control plane that stops sends its nodes elsewhere first", async () => {
  await using fleet = await FleetFixture.start({
    resources: routers(3),
    times: { drainGraceMs: 9_000 },
  });
  const node = fleet.node();
  await fleet.untilInSync(node);
  const stopped = fleet.service.stop();
  const drain = await until("drain", () =>
    node.messages.map(({ message }) => message).find((message) => message?.$case === "drain"),
  );
  assert.ok(drain.value.reconnectAfterMs >= 250 && drain.value.reconnectAfterMs <= 500);
  node.disconnect();
  await stopped; // at once, long before the grace is over
  assert.equal(fleet.service.status.nodes().length, 0);
});

test("a control plane that stops ends the streams of nodes that stay", async () => {
  await using fleet = await FleetFixture.start({
    resources: routers(3),
    times: { drainGraceMs: 50 },
  });
  const node = fleet.node();
  await fleet.untilInSync(node);
  await fleet.service.stop();
  await until("stream ended", () => node.ended !== undefined);
  node.connect();
  assert.equal((await endOf(node)).code, status.UNAVAILABLE);
});

test("a fault in the handling of one node ends its stream and nothing else", async () => {
  await using fleet = await FleetFixture.start({ resources: routers(2) });
  const [node, other] = [fleet.node("node"), fleet.node("other")];
  await fleet.untilInSync(node, other);
  node.rejected = [{ kind: ResourceKind.HTTP_ROUTER, name: "faulty@file", reason: "any" }];
  node.reportServing();
  const { code, details } = await endOf(node);
  assert.equal(code, status.INTERNAL);
  assert.equal(details, "this control plane failed to handle the stream");
  fleet.upsert(routerResource("r1@etcd", 1));
  await fleet.untilInSync(other);
});
