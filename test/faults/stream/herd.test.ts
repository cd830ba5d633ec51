/** Many nodes at once: a large push, a control plane that starts again, nodes that come and go (docs/reliability.md: B3, B4, B5, B8). */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import type { Resource } from "../../../config-model/snapshot/resource.ts";
import { ResourceKind } from "../../../proto/gen/switchyard/fleet/v1/resource.ts";
import { FleetFixture, type FleetFixtureInit } from "../../support/fleet-fixture.ts";
import { LightNodes } from "../../support/light-nodes.ts";
import { resourceOf, routerResource } from "../../support/resources.ts";
import { until } from "../../support/until.ts";
import { type FaultSize, faultTest } from "../support/fault-test.ts";
import { loopDelayDuring } from "./support/loop-delay.ts";
import { wrappedState } from "./support/wrapped-state.ts";

const megabyte = 1024 * 1024;

/** Names and patterns compress to a third or less, hashes not at all: two thirds of this are text. */
function largeResources(bytes: number): Resource[] {
  return Array.from({ length: Math.ceil(bytes / 2_048) }, (_, index) => {
    const text = `PathPrefix(\`/api/v${index}\`) && Host(\`r${index}.example.com\`) `.repeat(40);
    const payload = Buffer.concat([randomBytes(683), Buffer.from(text).subarray(0, 1_365)]);
    return resourceOf(ResourceKind.HTTP_MIDDLEWARE, `m${index}@etcd`, payload);
  });
}

function routers(count: number, version = 0) {
  return Array.from({ length: count }, (_, index) => routerResource(`r${index}@etcd`, version));
}

const bounds: Readonly<Record<FaultSize, { pushMs: number; stallMs: number; delayMs: number }>> = {
  full: { pushMs: 900, stallMs: 20, delayMs: 50 },
  small: { pushMs: 5_000, stallMs: 250, delayMs: 250 }, // beside other tests on the same cores
};

faultTest({
  id: "B3",
  title: "10 MiB to 50 nodes: made once, sent within a bounded memory and without a stall",
  guard: "sharing of what is encoded",
  run: async ({ size, guarded, context }) => {
    const [bytes, count] = size === "full" ? [10 * megabyte, 50] : [2 * megabyte, 10];
    let encodings = 0;
    await using fleet = await FleetFixture.start({
      resources: routers(1),
      committed: (committed) => ({
        ...wrappedState(committed, {}),
        get head() {
          // Without the guard a generation never looks like one that was seen before.
          const { head } = committed;
          if (guarded || head?.generation === undefined) return head;
          return { ...head, generation: { ...head.generation } };
        },
        deltaSince: (base) => {
          encodings += 1;
          return committed.deltaSince(base);
        },
      }),
      // Time the link takes is no failure of the node.
      times: { heartbeatMs: 2_000 },
    });
    await using nodes = new LightNodes({ address: fleet.address, count });
    await nodes.reached(1n, 20_000);
    const large = largeResources(bytes);
    await nodes.report();
    const rss = process.memoryUsage.rss();
    let peak = rss;
    const sampler = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 20);
    fleet.upsert(...large);
    await until("commit", () => fleet.store.generation?.number === 2n);
    const startedAtMs = Date.now();
    let tookMs = 0;
    const { maxMs } = await loopDelayDuring(async () => {
      tookMs = (await nodes.reached(2n, 30_000)) - startedAtMs;
    });
    clearInterval(sampler);
    const grown = (peak - rss) / megabyte;
    context.diagnostic(`${tookMs} ms, ${grown.toFixed(1)} MB, stall ${maxMs.toFixed(1)} ms`);
    assert.equal(encodings, 1, "one delta for all of them");
    assert.ok(tookMs <= bounds[size].pushMs, `${tookMs} ms`);
    assert.ok(grown <= (size === "full" ? 50 : 120), `${grown} MB more`);
    assert.ok(maxMs <= bounds[size].stallMs, `a stall of ${maxMs} ms`);
  },
});

/** A fleet whose control plane goes away and comes back where it was. */
async function restart(init: {
  readonly count: number;
  readonly isForgetful?: boolean;
  readonly second?: FleetFixtureInit;
  readonly whileAway?: (fleet: FleetFixture) => void;
}) {
  const stack = new AsyncDisposableStack();
  const times = { heartbeatMs: 2_000 };
  const first = await FleetFixture.start({ resources: routers(1_000), times });
  const nodes = stack.use(
    new LightNodes({
      address: first.address,
      count: init.count,
      isForgetful: init.isForgetful ?? false,
    }),
  );
  await nodes.reached(1n, 30_000);
  const before = await nodes.report();
  const { store, address } = first;
  await first[Symbol.asyncDispose]();
  const startedAtMs = performance.now();
  let second: FleetFixture | undefined;
  let tookMs = 0;
  const delay = await loopDelayDuring(async () => {
    second = stack.use(await FleetFixture.start({ store, address, times, ...init.second }));
    const fleet = second;
    init.whileAway?.(fleet);
    await until(
      "all of them back and in sync",
      () => fleet.service.status.nodes().filter(({ inSync }) => inSync).length === init.count,
      20_000,
    );
    tookMs = performance.now() - startedAtMs;
  });
  const after = await nodes.report();
  if (second === undefined) throw new Error("the control plane did not come back");
  return {
    tookMs,
    ...delay,
    counts: second.service.counts,
    bytes: after.bytes - before.bytes,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Told to come back after 250 to 500 ms; whoever is early waits 250 ms at first, then twice that. */
const jitterWindowMs = 1_000;

faultTest({
  id: "B4",
  title: "200 nodes come back to a control plane that starts again, and are sent nothing",
  guard: "a hello that names what the node holds",
  run: async ({ size, guarded, context }) => {
    const count = size === "full" ? 200 : 40;
    await using run = await restart({ count, isForgetful: !guarded });
    context.diagnostic(`${run.tookMs.toFixed(0)} ms, p99 loop delay ${run.p99Ms.toFixed(1)} ms`);
    assert.equal(run.bytes, 0, "bytes of configuration");
    assert.equal(run.counts.bytes, 0);
    assert.ok(run.tookMs <= jitterWindowMs + 1_000, `${run.tookMs} ms`);
    assert.ok(run.p99Ms <= bounds[size].delayMs, `p99 of the loop's delay ${run.p99Ms} ms`);
  },
});

faultTest({
  id: "B5",
  title:
    "200 nodes that are one generation behind a control plane that starts again get a delta each",
  guard: "the memory of what changed in the last generations",
  run: async ({ size, guarded, context }) => {
    const count = size === "full" ? 200 : 40;
    await using run = await restart({
      count,
      second: guarded
        ? {}
        : { committed: (committed) => wrappedState(committed, { deltaSince: () => undefined }) },
      whileAway: (fleet) => fleet.upsert(routerResource("r1@etcd", "changed")),
    });
    context.diagnostic(`${run.tookMs.toFixed(0)} ms, ${run.bytes} bytes`);
    assert.deepEqual([run.counts.fullTransfers, run.counts.deltas], [0, count]);
    assert.ok(run.bytes <= count * 2_048, `${run.bytes} bytes`);
    assert.ok(run.tookMs <= 5_000, `${run.tookMs} ms`);
  },
});

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

faultTest({
  id: "B8",
  title: "nodes that come and go 5,000 times leave nothing behind",
  guard: "forgetting a stream that has ended",
  timeoutMs: 300_000,
  run: async ({ size, guarded, context }) => {
    const rounds = size === "full" ? 5_000 : 60;
    await using fleet = await FleetFixture.start({
      resources: routers(2),
      stream: { admission: { perSecond: 1_000_000, burst: 1_000_000, maxWaitMs: 0 } },
    });
    let changes = 0;
    const stop = fleet.service.status.onChange(() => void changes++);
    const come = async (index: number) => {
      const node = fleet.node(guarded ? "node-1" : `node-${index}`);
      await fleet.untilInSync(node);
      // Without the guard the end of a stream is not heard of: nothing of it is ever forgotten.
      if (!guarded) return;
      fleet.close(node);
      await until("gone", () => fleet.service.status.nodes().length === 0);
    };
    for (let index = 0; index < 20; index++) await come(index);
    await until("quiet", () => fleet.service.status.nodes().length === (guarded ? 0 : 20));
    const [filesBefore, timersBefore, rssBefore] = [
      openFiles(),
      timers(),
      process.memoryUsage.rss(),
    ];
    for (let index = 20; index < 20 + rounds; index++) await come(index);
    const grown = (process.memoryUsage.rss() - rssBefore) / megabyte;
    context.diagnostic(
      `${rounds} rounds, ${grown.toFixed(1)} MB, ${openFiles() - filesBefore} files`,
    );
    stop();
    assert.ok(changes > rounds);
    assert.ok(openFiles() <= filesBefore + 10, `${openFiles()} files after ${filesBefore}`);
    assert.ok(timers() <= timersBefore + 10, `${timers()} timers after ${timersBefore}`);
    assert.ok(grown <= 60, `${grown} MB more`);
  },
});
