/** Compaction, seen and not seen: a list is made when history is lost, and only then. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type FaultSize, faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";
import { assertAscending, prefix, WatchWorld } from "./watch-world.ts";

/** Keys beside the prefix are written, and the history is compacted, for so long and ten times at least. */
async function busyBeside({ etcd }: WatchWorld, forMs: number, everyMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  for (let compactions = 0; compactions < 10 || performance.now() < endMs; compactions++) {
    for (let i = 0; i < 20; i++) await etcd.write({ [`foreign/${i}`]: `${compactions}` });
    await etcd.compact();
    await delay(everyMs);
  }
}

describe("compaction", { concurrency: true }, () => {
  faultTest({
    id: "W1",
    title: "compaction while connected: no event lost, no list",
    guard: "progress requests on the open stream",
    run: async ({ size, guarded }) => {
      await using world = await WatchWorld.start();
      const watched = await world.watch({ guards: { asksForProgress: guarded } });
      const rounds = size === "full" ? 500 : 30;
      for (let round = 0; round < rounds; round++) {
        await world.write({ a: `${round}`, [`b${round % 7}`]: `${round}` });
        if (round % 3 === 0) await world.etcd.compact();
      }
      await busyBeside(world, quietMs(size), 200);
      await world.write({ a: "last" });
      await within(2_000, "the last write", () => watched.state.get(`${prefix}a`) === "last");
      assert.equal(watched.calls.length, rounds + 1);
      assertAscending(watched.revisions);
      assert.deepEqual([watched.counts.lists, watched.counts.streams], [1, 1]);
      assert.deepEqual(watched.outages, []);
      await world.converges(watched, 0);
    },
  });

  faultTest({
    id: "W12",
    title: "an idle prefix beside a busy one, compacted all the time, is never read again",
    guard: "progress requests on the open stream",
    run: async ({ size, guarded }) => {
      await using world = await WatchWorld.start();
      const keys = Array.from({ length: 100 }, (_, i) => [`idle-${i}`, "1"]);
      await world.write(Object.fromEntries(keys));
      const watched = await world.watch({
        guards: { asksForProgress: guarded },
        reconcile: { intervalMs: 500, settleMs: 1_000 },
      });
      await busyBeside(world, quietMs(size), size === "full" ? 1_000 : 250);
      assert.deepEqual([watched.counts.lists, watched.counts.streams], [1, 1]);
      // What was found complete need not be read again after an interruption either.
      const { comparisons } = watched.counts;
      await within(20_000, "a comparison", () => watched.counts.comparisons > comparisons + 1);
      world.proxy.reset();
      await within(5_000, "another stream", () => watched.counts.streams > 1);
      await world.write({ last: "1" });
      await within(5_000, "the last write", () => watched.state.get(`${prefix}last`) === "1");
      assert.deepEqual([watched.counts.lists, watched.counts.repairs], [1, 0]);
      assert.equal(watched.calls.length, 1);
    },
    timeoutMs: 120_000,
  });

  faultTest({
    id: "W2",
    title: "disconnected, written to, compacted: one list, and only what changed is told",
    guard: "the list after a compaction",
    run: async ({ context, guarded }) => {
      await using world = await WatchWorld.start();
      await world.write({ same: "1", changed: "1", gone: "1" });
      const watched = await world.watch({ guards: { listsWhenCompacted: guarded } });
      world.proxy.mode = "refuse";
      await world.write({ same: "1", changed: "2", gone: undefined });
      for (let i = 0; i < 1_000; i++) await world.write({ [`new-${i % 500}`]: `${i}` });
      await world.etcd.compact();
      world.proxy.mode = "pass";
      const tookMs = await world.converges(watched, 2_000);
      context.diagnostic(`recovered in ${tookMs.toFixed(0)} ms`);
      assert.equal(watched.calls.length, 1, "one change for all that differs");
      assert.equal(watched.changedKeys.length, 502);
      assert.ok(!watched.changedKeys.includes(`${prefix}same`));
      assert.equal(watched.counts.lists, 2);
    },
  });
});

/** Longer than a stream that is not asked for a sign of life is trusted. */
function quietMs(size: FaultSize): number {
  return size === "full" ? 60_000 : 6_500;
}
