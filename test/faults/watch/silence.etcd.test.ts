/** A peer that says nothing: a cut cable, a stopped process. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { TestEtcd } from "../../support/etcd.ts";
import { Watched, type WatchedOptions } from "../../support/watched.ts";
import { faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";
import { prefix, WatchWorld } from "./watch-world.ts";

const unguarded: WatchedOptions = {
  guards: { detectsSilence: false },
  client: { guards: { keepalive: false } },
};
const guard = "progress requests with a deadline, and keepalive";

describe("silence", { concurrency: true }, () => {
  faultTest({
    id: "W5",
    title: "a cut cable is noticed within 8 s, and what was missed is there 2 s after it is mended",
    guard,
    run: async ({ context, size, guarded }) => {
      await using world = await WatchWorld.start();
      const watched = await world.watch(guarded ? {} : unguarded);
      world.proxy.mode = "drop";
      const cutAtMs = performance.now();
      for (let i = 0; i < 50; i++) await world.write({ [`${i}`]: "1" });
      const noticedMs = await within(
        8_000,
        "an outage that is told",
        () => watched.outages.length > 0,
      );
      // Long enough for the waits between attempts to have grown.
      await delay((size === "full" ? 60_000 : 9_000) - (performance.now() - cutAtMs));
      assert.equal(watched.calls.length, 0);
      world.proxy.mode = "pass";
      const resumedMs = await within(2_000, "what was missed", () => watched.calls.length >= 50);
      context.diagnostic(
        `noticed in ${noticedMs.toFixed(0)} ms, resumed in ${resumedMs.toFixed(0)} ms`,
      );
      assert.equal(watched.calls.length, 50);
      await world.converges(watched, 0);
    },
  });

  faultTest({
    id: "W6",
    title:
      "a stopped etcd: state kept, a new connection within 6 s, another member if there is one",
    guard,
    run: async ({ context, size, guarded }) => {
      await using stack = new AsyncDisposableStack();
      const world = stack.use(await WatchWorld.start());
      await world.write({ kept: "1" });
      const alone = await world.watch(guarded ? {} : unguarded);
      const members = await TestEtcd.startCluster(stack);
      const [first, second, third] = members;
      assert.ok(first && second && third);
      await first.write({ [`${prefix}kept`]: "1" });
      const endpoints = members.map(({ endpoint }) => endpoint);
      const among = stack.use(new Watched(endpoints, guarded ? {} : unguarded));
      await within(5_000, "the first list", () => among.listed !== undefined);

      const { accepted } = world.proxy;
      world.etcd.pause();
      first.pause();
      // The stopped one may have led: until another one does, nothing can be written.
      const canWrite = () =>
        second.write({ [`${prefix}after`]: "1" }).then(
          () => true,
          () => false,
        );
      const moves = async () => {
        await within(10_000, "a write", canWrite);
        return await within(
          8_000,
          "the change from another member",
          () => among.state.get(`${prefix}after`) === "1",
        );
      };
      const [recreated, moved] = await Promise.allSettled([
        within(6_000, "another connection", () => world.proxy.accepted > accepted),
        moves(),
      ]);
      const recreatedMs = fulfilled(recreated);
      const movedMs = fulfilled(moved);
      context.diagnostic(
        `connected anew after ${recreatedMs.toFixed(0)} ms, ${movedMs.toFixed(0)} ms from the write to another member's event`,
      );
      if (size === "full") await delay(45_000);
      assert.deepEqual([...alone.state], [[`${prefix}kept`, "1"]]);
      world.etcd.resume();
      first.resume();
      await world.write({ after: "1" });
      await world.converges(alone, 3_000);
      assert.equal(alone.counts.lists, 1);
    },
  });

  faultTest({
    id: "W6",
    title: "a member that has lost its cluster is not taken for a quiet one",
    guard: "requiring a leader for the watch",
    run: async ({ context, guarded }) => {
      await using stack = new AsyncDisposableStack();
      const [first, second, third] = await TestEtcd.startCluster(stack);
      assert.ok(first && second && third);
      const watched = stack.use(
        new Watched(first.endpoint, { client: { guards: { requiresLeader: guarded } } }),
      );
      await within(5_000, "the first list", () => watched.listed !== undefined);
      second.pause();
      third.pause();
      const noticedMs = await within(
        10_000,
        "an outage that is told",
        () => watched.outages.length > 0,
      );
      context.diagnostic(`noticed after ${noticedMs.toFixed(0)} ms`);
      second.resume();
      third.resume();
      await within(10_000, "a write", () =>
        first.write({ [`${prefix}after`]: "1" }).then(
          () => true,
          () => false,
        ),
      );
      await within(5_000, "the change", () => watched.state.get(`${prefix}after`) === "1");
    },
  });
});

function fulfilled(outcome: PromiseSettledResult<number>): number {
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
