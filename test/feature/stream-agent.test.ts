/** Both ends of the stream together: the control plane's service and the data plane's agent, with fake workers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { entryPointResource } from "../support/entry-point-resource.ts";
import { FleetFixture } from "../support/fleet-fixture.ts";
import { routerResource } from "../support/resources.ts";
import { TestAgent } from "../support/test-agent.ts";
import { until } from "../support/until.ts";

const resources = [
  entryPointResource("web", "127.0.0.1", 8000),
  ...Array.from({ length: 3_000 }, (_, index) => routerResource(`r${index}@etcd`)),
];

function follow(fleet: FleetFixture): Promise<TestAgent> {
  return TestAgent.start({ options: { controlPlanes: [fleet.address] } });
}

async function untilServing(fleet: FleetFixture, node: TestAgent): Promise<void> {
  await turn(); // what was published a moment ago is committed by then
  await until("in sync", () => {
    const { head } = fleet.publisher.committed;
    const status = fleet.service.status.node("node-1");
    return status?.inSync === true && status.held?.generation.number === head?.generation?.number;
  });
  const committed = fleet.publisher.committed.full().upserts;
  const { serving } = node.worker(1);
  assert.equal(serving.size, committed.length);
  for (const { kind, name, hash } of committed) {
    assert.deepEqual(Buffer.from(serving.get(`${kind}:${name}`)!.hash), Buffer.from(hash));
  }
}

test("an agent is brought to every generation of the control plane", async () => {
  await using fleet = await FleetFixture.start({ resources });
  await using node = await follow(fleet);
  await untilServing(fleet, node);
  fleet.upsert(routerResource("r1@etcd", 1), routerResource("new@etcd"));
  await untilServing(fleet, node);
  fleet.remove(routerResource("r1@etcd"), routerResource("r2@etcd"));
  fleet.upsert(routerResource("r3@etcd", 2));
  await untilServing(fleet, node);
  assert.equal(fleet.service.status.node("node-1")?.timings?.full, false);
});

test("a full transfer reaches an agent compressed, made once for all that take it so", async () => {
  await using fleet = await FleetFixture.start({ resources });
  await using node = await follow(fleet);
  await untilServing(fleet, node);
  const compressedBytes = fleet.service.counts.bytes;
  const plain = fleet.node("plain");
  await fleet.untilInSync(plain);
  const plainBytes = fleet.service.counts.bytes - compressedBytes;
  assert.ok(compressedBytes < plainBytes * 0.7, `${compressedBytes} bytes after ${plainBytes}`);
  assert.equal(fleet.service.counts.fullTransfers, 2);
});

test("what a worker rejects reaches the control plane with its source", async () => {
  await using fleet = await FleetFixture.start({ resources });
  await using node = await follow(fleet);
  await untilServing(fleet, node);
  const { behaviour } = node.worker(1);
  behaviour.rejects = ({ name }) => (name === "r1@etcd" ? "the rule is too deep" : undefined);
  fleet.upsert(routerResource("r1@etcd", 1));
  const status = () => fleet.service.status.node("node-1");
  await until("rejection", () => (status()?.rejected.length ?? 0) > 0);
  assert.deepEqual(status()?.rejected, [
    {
      resource: { kind: ResourceKind.HTTP_ROUTER, name: "r1@etcd" },
      reason: "the rule is too deep",
      source: { provider: "etcd", location: "traefik/http/r1@etcd" },
    },
  ]);
  assert.equal(status()?.inSync, false);
  behaviour.rejects = () => undefined;
  fleet.upsert(routerResource("r1@etcd", 2));
  await untilServing(fleet, node);
});

test("an agent whose workers could not build a generation gets everything after a backoff", async () => {
  await using fleet = await FleetFixture.start({ resources });
  await using node = await follow(fleet);
  await untilServing(fleet, node);
  const { behaviour } = node.worker(1);
  behaviour.failure = "out of memory";
  fleet.upsert(routerResource("r1@etcd", 1));
  await until("failure", () => fleet.service.status.node("node-1")?.failure !== undefined);
  behaviour.failure = undefined;
  await untilServing(fleet, node);
  assert.equal(fleet.service.status.node("node-1")?.timings?.full, true);
});

test("an agent keeps what it holds when the control plane's store was replaced", async () => {
  const lines: string[] = [];
  await using fleet = await FleetFixture.start({ resources });
  await using node = await follow(fleet);
  await untilServing(fleet, node);
  fleet.service.status.onChange(({ nodeId, node: status }) => {
    if (status === undefined) lines.push(nodeId);
  });
  fleet.store.replace("fleet-b", { upserts: [], removals: [] });
  await until("disconnected", () => lines.length > 0);
  await until("new fleet's first generation", () => fleet.store.generation?.fleetId === "fleet-b");
  assert.equal(node.worker(1).serving.size, resources.length);
  assert.equal(fleet.service.status.node("node-1"), undefined);
});
