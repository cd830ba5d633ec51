/** Every fault between control plane and etcd, one after another, while a prober sends 200 requests a second. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "../../support/seeded-random.ts";
import { within } from "../support/within.ts";
import { ServedFleet } from "./served-fleet.ts";

const isFull = process.env["FAULT_SIZE"] === "full";
const skip = process.env["FAULT_WITHOUT_GUARDS"] === "1";

test("W1-W12 on the data path: no failed request, what etcd holds is served, nothing grows", {
  skip,
  timeout: 600_000,
}, async (context) => {
  const seed = Date.now() % 1_000_000;
  context.diagnostic(`seed ${seed}`);
  const random = new SeededRandom(seed);
  await using fleet = await ServedFleet.start(isFull ? 1_000 : 100);
  const { etcd, proxy } = fleet;
  await fleet.isWhatEtcdHolds(random, 5_000);
  const [before, residentBefore] = [fleet.handles(), fleet.residentBytes()];

  const survives = async (fault: string, befall: () => Promise<void>) => {
    await befall();
    const beganAtMs = performance.now();
    await fleet.isWhatEtcdHolds(random, 10_000);
    context.diagnostic(`${fault}: ${(performance.now() - beganAtMs).toFixed(0)} ms`);
  };
  for (let round = 0; round < (isFull ? 3 : 1); round++) {
    await survives("compaction while connected (W1, W12)", async () => {
      for (let i = 0; i < 10; i++) {
        await fleet.edit(random, 5);
        await etcd.write({ "foreign/key": `${i}` });
        await etcd.compact();
      }
    });
    await survives("compaction while disconnected (W2, W3)", async () => {
      proxy.mode = "refuse";
      await fleet.edit(random, isFull ? 1_000 : 50);
      await etcd.compact();
      proxy.mode = "pass";
    });
    await survives("connections cut again and again (W4)", async () => {
      for (let i = 0; i < 10; i++) {
        proxy.cutAfterBytes = 200 + random.below(3_000);
        proxy.reset();
        await fleet.edit(random, 3);
        await delay(random.below(60));
      }
      proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
      proxy.reset();
    });
    await survives("etcd killed during writes (W9)", async () => {
      for (let i = 0; i < 2; i++) {
        const writing = fleet.edit(random, 50).catch(() => {});
        await delay(random.below(50));
        await etcd.kill();
        await writing;
        await etcd.run();
      }
    });
    if (isFull) {
      await survives("a cut cable (W5)", async () => {
        proxy.mode = "drop";
        await fleet.edit(random, 20);
        await delay(15_000);
        proxy.mode = "pass";
      });
      await survives("etcd stopped (W6)", async () => {
        await fleet.edit(random, 5);
        etcd.pause();
        await delay(12_000);
        etcd.resume();
        await fleet.edit(random, 5);
      });
    }
  }
  assert.equal(await fleet.metric("switchyard_etcd_watch_repairs_total"), 0);
  const after = fleet.handles();
  assert.equal(after.threads, before.threads);
  assert.ok(after.files <= before.files + 8, `${before.files} to ${after.files} files`);
  const grownMiB = (fleet.residentBytes() - residentBefore) / 2 ** 20;
  context.diagnostic(`resident memory grew by ${grownMiB.toFixed(1)} MiB`);
  assert.ok(grownMiB < 60);

  // The store is gone with the keys: another fleet, whose empty state nobody takes.
  await etcd.wipe();
  await etcd.run();
  await within(
    10_000,
    "the emptied etcd being read",
    async () => (await fleet.metric("switchyard_etcd_watch_lists_total")) > 1,
  );
  await delay(isFull ? 15_000 : 1_000);
  await fleet.prober.stop();
  assert.ok(fleet.prober.answers.length > 500);
  assert.deepEqual([fleet.prober.errors.length, fleet.prober.errors.slice(0, 3)], [0, []]);
});
