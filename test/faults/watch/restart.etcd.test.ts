/** An etcd that comes back as it was, as it once was, or as another one. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "../../support/seeded-random.ts";
import { faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";
import { assertAscending, prefix, WatchWorld } from "./watch-world.ts";

describe("restart", { concurrency: true }, () => {
  faultTest({
    id: "W7",
    title: "restored from a backup, emptied, or replaced by another cluster: read anew within 5 s",
    guard: "comparing cluster, revision and a known key before a stream goes on",
    run: async ({ context, guarded }) => {
      await using world = await WatchWorld.start();
      const { etcd, proxy } = world;
      await world.write({ a: "1", b: "1" });
      const backup = await etcd.backUp();
      await world.write({ a: "2", c: "1" });
      await world.write({ d: "1" });
      const watched = await world.watch({ guards: { comparesStores: guarded } });
      const readsAnew = async (how: string, returns: () => Promise<void>) => {
        proxy.mode = "refuse";
        await returns();
        proxy.mode = "pass";
        const tookMs = await world.converges(watched, 5_000);
        context.diagnostic(`${how}: ${tookMs.toFixed(0)} ms`);
      };
      await readsAnew("revision went back", async () => {
        await etcd.restore(backup);
        await etcd.run();
      });
      await world.write({ e: "1" });
      await within(2_000, "the write", () => watched.state.has(`${prefix}e`));
      await readsAnew("went back and grew past ours", async () => {
        await etcd.restore(backup);
        await etcd.run();
        for (let i = 0; i < 20; i++) await world.write({ f: `${i}` });
      });
      await readsAnew("another cluster id", async () => {
        await etcd.restore(backup, "another");
        await etcd.run();
        for (let i = 0; i < 40; i++) await world.write({ g: `${i}` });
      });
      await readsAnew("emptied", async () => {
        await etcd.wipe();
        await etcd.run();
        await world.write({ b: "2" });
      });
    },
  });

  faultTest({
    id: "W8",
    title: "the token expires, then a restart forgets it: no event lost",
    guard: "a new token for every connection, and after a refusal",
    run: async ({ guarded }) => {
      await using world = await WatchWorld.start({ flags: ["--auth-token-ttl=1"] });
      const { etcd, proxy } = world;
      await etcd.ctl("user", "add", "root:secret");
      await etcd.ctl("auth", "enable");
      const login = async () => {
        world.token = await etcd.login("root", "secret");
      };
      await login();
      const watched = await world.watch({
        user: { username: "root", password: "secret" },
        client: { guards: { renewsToken: guarded } },
      });
      await delay(3_000); // etcd forgets tokens that nobody has used for this time
      proxy.mode = "refuse";
      await login();
      for (let i = 0; i < 20; i++) await world.write({ a: `expired-${i}` });
      proxy.mode = "pass";
      await within(5_000, "what was written without a token", () => watched.calls.length >= 20);
      await etcd.kill();
      await etcd.run();
      await login();
      for (let i = 0; i < 20; i++) await world.write({ a: `restarted-${i}` });
      await within(5_000, "what was written after the restart", () => watched.calls.length >= 40);
      assert.equal(watched.calls.length, 40);
      assertAscending(watched.revisions);
      assert.equal(watched.counts.lists, 1);
      await world.converges(watched, 0);
    },
  });

  faultTest({
    id: "W9",
    title: "killed during random transactions: ordered, unique, reliable, atomic, resumable",
    guard: "resuming after the last event",
    run: async ({ context, size, guarded }) => {
      const seed = Date.now() % 1_000_000;
      context.diagnostic(`seed ${seed}`);
      const random = new SeededRandom(seed);
      await using world = await WatchWorld.start();
      const { etcd } = world;
      const watched = await world.watch({
        guards: { resumes: guarded ? "afterLastEvent" : "now" },
      });
      /** Revision → keys, of the transactions that etcd answered. */
      const written = new Map<bigint, ReadonlySet<string>>();
      let count = 0;
      const write = async () => {
        const keys = Array.from({ length: 1 + random.below(5) }, () => `k${random.below(30)}`);
        count += 1;
        const value = `${count}`;
        const pairs = Object.fromEntries(keys.map((key) => [key, value]));
        // Whether one that was not answered was written is etcd's to say: the read below is the oracle.
        const revision = await world.write(pairs).catch(() => undefined);
        if (revision !== undefined) written.set(revision, new Set(Object.keys(pairs)));
      };
      const rounds = size === "full" ? 100 : 4;
      for (let round = 0; round < rounds; round++) {
        const enough = random.below(30);
        const writers = Array.from({ length: 4 }, async () => {
          for (let i = 0; i < enough; i++) await write();
        });
        await delay(random.below(100));
        await etcd.kill();
        await Promise.all(writers);
        await etcd.run();
        for (let i = 0; i < 5; i++) await write();
      }
      await write();
      await world.converges(watched, 5_000);
      assertAscending(watched.revisions);
      const seen = new Map(
        watched.revisions.map((revision, i) => [revision, watched.calls[i] ?? []]),
      );
      for (const [revision, keys] of written) {
        const changes = seen.get(revision);
        assert.ok(changes, `revision ${revision} was lost (seed ${seed})`);
        assert.deepEqual(
          new Set(changes.map(({ key }) => key.slice(prefix.length))),
          keys,
          `revision ${revision} (seed ${seed})`,
        );
        assert.equal(new Set(changes.map(({ value }) => value)).size, 1);
      }
      assert.equal(watched.counts.lists, 1);
      context.diagnostic(`${written.size} transactions answered, ${seen.size} seen`);
    },
    timeoutMs: 600_000,
  });
});
