/** A node comes back with what it holds, or with what it says it holds (docs/reliability.md: S2, S3, S11, S12). */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Generation } from "../../../config-model/snapshot/generation.ts";
import type {
  CommittedState,
  HeldState,
} from "../../../control-plane/snapshot-store/committed-state.ts";
import { transferChecks } from "../../../data-plane/agent/transfer-checks.ts";
import { entryPointResource } from "../../support/entry-point-resource.ts";
import { FleetFixture } from "../../support/fleet-fixture.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { routerResource } from "../../support/resources.ts";
import { TestAgent } from "../../support/test-agent.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";
import {
  assertConverged,
  assertServes,
  committedOf,
  untilSettled,
} from "./support/followed-fleet.ts";
import { StreamProxy } from "./support/stream-proxy.ts";

const web = entryPointResource("web", "127.0.0.1", 8000);

function routers(count: number, version = 0) {
  return Array.from({ length: count }, (_, index) => routerResource(`r${index}@etcd`, version));
}

/** The same state with another answer to what a base leads to. */
function withDelta(
  deltaSince: (
    committed: CommittedState,
    base: HeldState,
  ) => ReturnType<CommittedState["deltaSince"]>,
) {
  return (committed: CommittedState): CommittedState => ({
    get head() {
      return committed.head;
    },
    get: (id) => committed.get(id),
    full: () => committed.full(),
    onChange: (listener) => committed.onChange(listener),
    deltaSince: (base) => deltaSince(committed, base),
  });
}

async function generationReached(fleet: FleetFixture, number: bigint): Promise<void> {
  await until(`generation ${number}`, () => fleet.store.generation?.number === number);
}

faultTest({
  id: "S2",
  title: "what was removed while a node was away is removed from it when it comes back",
  guard: "removals in a delta",
  run: async ({ size, guarded }) => {
    const count = size === "full" ? 10_000 : 200;
    const withoutRemovals = withDelta((committed, base) => {
      const delta = committed.deltaSince(base);
      return delta && { ...delta, removals: [] };
    });
    await using fleet = await FleetFixture.start({
      resources: [web, ...routers(count)],
      ...(guarded ? {} : { committed: withoutRemovals }),
    });
    await using proxy = await StreamProxy.start(fleet.address);
    await using node = await TestAgent.start({ options: { controlPlanes: [proxy.address] } });
    await untilSettled(fleet);
    proxy.onRequest = () => []; // away: no hello of its arrives
    proxy.cut();
    await until("gone", () => fleet.service.status.nodes().length === 0);
    fleet.remove(...routers(count).slice(0, 100));
    await generationReached(fleet, 2n);
    fleet.upsert(routerResource("r8@etcd", "again"));
    await generationReached(fleet, 3n);
    proxy.onRequest = (message) => [message];
    proxy.cut();
    await untilSettled(fleet);
    await assertConverged(fleet, node);
    assert.equal(node.worker(1).serving.has("2:r7@etcd"), false);
    const { fullTransfers, deltas } = fleet.service.counts;
    assert.deepEqual([fullTransfers, deltas], [1, 1], "one delta brought it back");
  },
});

faultTest({
  id: "S3",
  title: "a node with an unknown or forged base gets everything, never nothing",
  guard: "the digest beside the number of a base",
  run: async ({ size, guarded }) => {
    const first: Generation = { fleetId: "fleet-a", epoch: 1n, number: 1n };
    const byNumberOnly = withDelta((committed, { generation }) => {
      const known = fleet.store.commits.find(
        ({ generation: { number } }) => number === generation.number,
      );
      return committed.deltaSince(known ?? { generation, digest: new Uint8Array() });
    });
    await using fleet: FleetFixture = await FleetFixture.start({
      resources: routers(size === "full" ? 10_000 : 20),
      ...(guarded ? {} : { committed: byNumberOnly }),
    });
    const node = fleet.node();
    await fleet.untilInSync(node);
    fleet.upsert(routerResource("r1@etcd", 1));
    await fleet.untilInSync(node);
    const forged = Buffer.alloc(32, 7);
    const hellos = [
      { running: { ...first, number: 2n }, digest: forged }, // newest number, forged digest
      { running: first, digest: forged }, // known number, forged digest
      { running: { ...first, epoch: 0n }, digest: forged }, // unknown generation
      { running: first, digest: Buffer.alloc(0) },
    ];
    for (const [index, hello] of hellos.entries()) {
      const forger = fleet.node(`forger-${index}`, false);
      forger.connect(hello);
      await fleet.untilInSync(forger);
      assert.equal(forger.transfers[0]?.begin.base, undefined, `hello ${index}`);
    }
    // From the future: refused and told so until the fleet gets there, then everything.
    const future = fleet.node("future", false);
    const claim = { running: { ...first, number: 3n }, digest: forged };
    future.connect(claim);
    const end = await until("refusal", () => typeof future.ended === "object" && future.ended);
    assert.equal(end.code, status.FAILED_PRECONDITION);
    assert.match(end.details, /it holds generation 3, the newest here is 2$/);
    fleet.upsert(routerResource("r1@etcd", 2));
    await generationReached(fleet, 3n);
    future.connect(claim);
    await fleet.untilInSync(future);
    assert.equal(future.transfers[0]?.begin.base, undefined);
  },
});

faultTest({
  id: "S11",
  title: "an older generation offered by a stale replica is refused, and nothing flaps",
  guard: "the rule that a node never goes back",
  run: async ({ size, guarded }) => {
    const seed = [web, ...routers(size === "full" ? 1_000 : 20)];
    await using fresh = await FleetFixture.start({ resources: seed });
    await using stale = await FleetFixture.start({ resources: seed });
    await using proxy = await StreamProxy.start(stale.address);
    const log = new RecordingLog();
    await using node = await TestAgent.start({
      options: { controlPlanes: [fresh.address, proxy.address] },
      log,
      ...(guarded ? {} : { checks: { ...transferChecks, mayReplace: () => true } }),
    });
    await untilSettled(fresh);
    for (const version of [1, 2, 3]) {
      fresh.upsert(routerResource("r1@etcd", version));
      await untilSettled(fresh);
    }
    const held = committedOf(fresh);
    const { switches } = node.worker(1);
    // Told the truth, the stale replica refuses the node by itself; this one is lied to, and offers what it has.
    const offered: bigint[] = [];
    proxy.onRequest = (message) =>
      message.$case === "hello"
        ? [{ $case: "hello", value: { ...message.value, running: undefined } }]
        : [message];
    proxy.onResponse = (message) => {
      if (message.$case === "begin") offered.push(message.value.generation?.number ?? 0n);
      return [message];
    };
    const address = fresh.address;
    await fresh.service.stop();
    await until("an offer of the stale replica", () => offered.length > 0);
    await until("what became of it", () =>
      log.lines.some(({ message }) => message === "transfer refused" || message === "serving")
        ? node.worker(1).switches > switches ||
          log.lines.some(({ message }) => message === "transfer refused")
        : false,
    );
    assertServes(node, held, "after the offer");
    assert.deepEqual(new Set(offered), new Set([1n]));
    proxy.onRequest = (message) => [message];
    proxy.cut();
    await until("the truth", () =>
      log.lines.some(({ fields }) => /it holds generation 4/.test(String(fields["reason"]))),
    );
    assertServes(node, held, "after it was refused");
    assert.equal(node.worker(1).switches, switches, "nothing flapped");
    // The fresh one comes back: the node goes on from where it was, by a delta.
    await using again = await FleetFixture.start({ store: fresh.store, address });
    again.upsert(routerResource("r1@etcd", "newest"));
    await untilSettled(again);
    await assertConverged(again, node);
    assert.equal(again.service.counts.fullTransfers, 0);
  },
});

faultTest({
  id: "S12",
  title:
    "one changed router among 10,000 costs at most 2 KiB on the wire and no work for the others",
  guard: "deltas",
  run: async ({ guarded }) => {
    await using fleet = await FleetFixture.start({
      resources: [web, ...routers(10_000)],
      ...(guarded ? {} : { committed: withDelta(() => undefined) }),
    });
    await using node = await TestAgent.start({ options: { controlPlanes: [fleet.address] } });
    await untilSettled(fleet);
    const { bytes } = fleet.service.counts;
    const worker = node.worker(1);
    const seen = worker.seen.length;
    fleet.upsert(routerResource("r5000@etcd", "changed"));
    await untilSettled(fleet);
    await turn();
    const sent = fleet.service.counts.bytes - bytes;
    assert.ok(sent <= 2_048, `${sent} bytes`);
    const parts = worker.seen
      .slice(seen)
      .flatMap((message) => (message.kind === "part" ? [message.changes.byteLength] : []));
    assert.equal(parts.length, 1);
    assert.ok(parts[0]! < 300, `${parts[0]} bytes for the worker`);
    await assertConverged(fleet, node);
  },
});
