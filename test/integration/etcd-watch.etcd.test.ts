/** How the list-then-watch behaves; what it survives is in test/faults/watch. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dumpDigest } from "../support/dump-digest.ts";
import { TestEtcd } from "../support/etcd.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";
import { Watched } from "../support/watched.ts";

// Side by side, because they wait more than they work.
describe("watchPrefix()", { concurrency: true }, () => {
  test("lists, then follows; keys beside the prefix are not its business", async () => {
    await using etcd = await TestEtcd.start();
    await etcd.put("traefik/a", "1");
    await etcd.put("traefik2/a", "1");
    await etcd.put("traefikx", "1");
    await using watched = new Watched(etcd.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    assert.deepEqual([...watched.state], [["traefik/a", "1"]]);
    await etcd.put("traefik/b", "ü");
    await etcd.put("traefik2/b", "2");
    await etcd.ctl("del", "traefik/a");
    await until("two changes", () => watched.calls.length === 2);
    assert.deepEqual([...watched.state], [["traefik/b", "ü"]]);
  });

  test("finds by comparing what its watch never told, and counts it", async () => {
    await using etcd = await TestEtcd.start();
    await etcd.write({ "traefik/kept": "1", "traefik/changed": "1", "traefik/gone": "1" });
    await using proxy = await FaultProxy.start(etcd.port);
    await using watched = new Watched(proxy.endpoint, {
      guards: { resumes: "now" }, // loses what is written while it is away
      reconcile: { intervalMs: 200, settleMs: 100 },
    });
    await until("the first list", () => watched.listed !== undefined);
    await until("a comparison", () => watched.counts.comparisons > 0);
    assert.deepEqual([watched.counts.lists, watched.counts.repairs], [1, 0]);
    proxy.mode = "refuse";
    await etcd.write({ "traefik/changed": "2", "traefik/new": "1", "traefik/gone": undefined });
    await until("an outage", () => watched.outages.length > 0);
    const { streams } = watched.counts;
    proxy.mode = "pass";
    await until("another stream", () => watched.counts.streams > streams);
    // On a busy machine comparing takes long, and after an interruption it waits for a multiple of that.
    await until("the repair", () => watched.calls.length === 1, 40_000);
    assert.deepEqual(
      new Set(watched.changedKeys),
      new Set(["traefik/changed", "traefik/gone", "traefik/new"]),
    );
    assert.equal(watched.counts.repairs, 3);
    assert.equal(watched.digest, dumpDigest(await etcd.read("traefik/")));
  });

  test("takes nothing for lost that is on its way while it compares", async () => {
    await using etcd = await TestEtcd.start();
    const keys = Array.from({ length: 2_000 }, (_, i) => `traefik/${i}`);
    for (let i = 0; i < keys.length; i += 100) {
      await etcd.write(Object.fromEntries(keys.slice(i, i + 100).map((key) => [key, "0"])));
    }
    await using watched = new Watched(etcd.endpoint, {
      reconcile: { intervalMs: 10, settleMs: 200 },
    });
    await until("the first list", () => watched.listed !== undefined);
    let count = 0;
    while (watched.counts.comparisons < 10) {
      count += 1;
      const key = keys[(count * 7) % keys.length] ?? "";
      await etcd.write({
        [key]: count % 3 === 0 ? undefined : `${count}`,
        "traefik/last": `${count}`,
      });
    }
    await until("the last write", () => watched.state.get("traefik/last") === `${count}`);
    assert.deepEqual([watched.counts.lists, watched.counts.repairs], [1, 0]);
    assert.equal(watched.digest, dumpDigest(await etcd.read("traefik/")));
  });

  test("unreachable at the start: tries on, and lists once etcd is there", async () => {
    await using late = await TestEtcd.prepare();
    await using watched = new Watched(late.endpoint);
    await until("two failed attempts", () => watched.outages.length >= 2);
    const reason = `Cannot reach etcd at ${late.endpoint}: connection refused`;
    assert.deepEqual(new Set(watched.outages), new Set([reason]));
    assert.equal(watched.listed, undefined);
    await late.run();
    await until("the first list", () => watched.listed !== undefined);
  });
});
