/** What the list-then-watch guarantees through every fault of the way to etcd, against a real etcd. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EtcdClient } from "../../control-plane/etcd/etcd-client.ts";
import { oneKey } from "../../control-plane/etcd/key-range.ts";
import { TestEtcd } from "../support/etcd.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";
import { anonymous, Watched } from "../support/watched.ts";

/** An etcd of the test's own: what befalls it, or is compacted in it, must not reach the tests beside. */
class World implements AsyncDisposable {
  readonly etcd: TestEtcd;
  /** etcdctl takes tens of milliseconds for a write. */
  readonly #writer: EtcdClient;

  private constructor(etcd: TestEtcd) {
    this.etcd = etcd;
    this.#writer = new EtcdClient({ ...anonymous, endpoints: [etcd.endpoint] });
  }

  static async start(): Promise<World> {
    return new World(await TestEtcd.start());
  }

  /** One transaction; `undefined` deletes. */
  async write(pairs: Readonly<Record<string, string | undefined>>): Promise<void> {
    const operations = Object.entries(pairs).map(([key, value]) =>
      value === undefined
        ? ({ kind: "delete", range: oneKey(`traefik/${key}`) } as const)
        : ({ kind: "put", key: `traefik/${key}`, value: Buffer.from(value) } as const),
    );
    await this.#writer.transaction({ compare: [], success: operations });
  }

  async converged(watched: Watched): Promise<void> {
    const expected = await this.etcd.dump("traefik/");
    await until("the state that etcd has", () => sameEntries(watched.state, expected));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.close();
    await this.etcd[Symbol.asyncDispose]();
  }
}

// Side by side, because they wait more than they work.
describe("watchPrefix()", { concurrency: true }, () => {
  test("lists, then follows; keys beside the prefix are not its business", async () => {
    await using world = await World.start();
    const { etcd } = world;
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

  test("W10 hands over a transaction as one change", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await using watched = new Watched(etcd.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    for (let i = 0; i < 10; i++) {
      const keys = Array.from({ length: 20 }, (_, key) => [key, `${i}`]);
      await world.write({ ...Object.fromEntries(keys), none: undefined });
    }
    await until("all transactions", () => watched.calls.length >= 10);
    assert.deepEqual(
      watched.calls.map((changes) => changes.length),
      Array.from({ length: 10 }, () => 20),
    );
  });

  test("W1, W12 compaction while connected, of busy foreign keys too, is not noticed", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await using proxy = await FaultProxy.start(etcd.port);
    await using watched = new Watched(proxy.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    await world.write({ a: "0" });
    await until("a change", () => watched.calls.length === 1);
    const connections = proxy.accepted;
    for (let round = 1; round <= 10; round++) {
      await etcd.transaction(...Array.from({ length: 20 }, (_, i) => `put foreign/${i} ${round}`));
      await etcd.compact();
    }
    await world.write({ a: "1" });
    await until("the change", () => watched.state.get("traefik/a") === "1");
    assert.equal(watched.calls.length, 2);
    assert.equal(proxy.accepted, connections, "over the same connections");
    assert.deepEqual(watched.outages, []);
  });

  test("W2 disconnected, written to, compacted: lists anew and tells only what differs", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await etcd.transaction("put traefik/same 1", "put traefik/changed 1", "put traefik/gone 1");
    await using proxy = await FaultProxy.start(etcd.port);
    await using watched = new Watched(proxy.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    proxy.mode = "refuse";
    await etcd.transaction("put traefik/same 1", "put traefik/changed 2", "del traefik/gone");
    for (let batch = 0; batch < 10; batch++) {
      const keys = Array.from({ length: 100 }, (_, i) => [`new-${batch}-${i}`, "1"]);
      await world.write(Object.fromEntries(keys));
    }
    await etcd.compact();
    await until("an outage that is told", () => watched.outages.length > 0);
    const healedAt = performance.now();
    proxy.mode = "pass";
    await world.converged(watched);
    assert.ok(performance.now() - healedAt < 2_500, "recovered in time");
    assert.equal(watched.calls.length, 1, "one change for all that differs");
    assert.equal(watched.changedKeys.length, 1_002);
    assert.ok(!watched.changedKeys.includes("traefik/same"));
  });

  test("W3 resumes over a backlog larger than gRPC's usual limit, losing and doubling nothing", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await using proxy = await FaultProxy.start(etcd.port);
    await using watched = new Watched(proxy.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    proxy.mode = "refuse";
    const value = "x".repeat(8_000);
    for (let batch = 0; batch < 60; batch++) {
      await world.write(
        Object.fromEntries(Array.from({ length: 12 }, (_, i) => [i, `${batch}${value}`])),
      );
    }
    proxy.mode = "pass";
    await until("every transaction", () => watched.calls.length >= 60);
    assert.equal(watched.changedKeys.length, 60 * 12);
    assert.ok(ascending(watched.revisions), "in order");
    await world.converged(watched);
  });

  test("W4 cut after any number of bytes: every event once", async () => {
    await using world = await World.start();
    const { etcd } = world;
    for (let i = 0; i < 60; i++) await world.write({ [`before-${i}`]: "1" });
    await using proxy = await FaultProxy.start(etcd.port);
    await using watched = new Watched(proxy.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    for (let round = 0; round < 12; round++) {
      proxy.mode = "refuse";
      const written = watched.calls.length + 30;
      for (let batch = 0; batch < 30; batch++) {
        await world.write({ a: `${round}-${batch}`, b: `${round}-${batch}` });
      }
      // From the HTTP/2 preface, over the answer to our question and `created`, into the backlog.
      proxy.cutAfterBytes = 20 + round * 130;
      proxy.mode = "pass";
      const before = proxy.accepted;
      await until("cut connections", () => proxy.accepted >= before + 2);
      proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
      await until("the backlog", () => watched.calls.length >= written);
      assert.equal(watched.calls.length, written);
      for (const changes of watched.calls) assert.equal(changes.length, 2);
    }
    await world.converged(watched);
  });

  test("W5 a cut cable is found out in time, and the watch resumed soon after it is mended", async () => {
    await using world = await World.start();
    await using proxy = await FaultProxy.start(world.etcd.port);
    await using watched = new Watched(proxy.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    const cutAt = performance.now();
    proxy.mode = "drop";
    for (let i = 0; i < 50; i++) await world.write({ [`${i}`]: "1" });
    await until("an outage that is told", () => watched.outages.length > 0);
    assert.ok(performance.now() - cutAt < 8_000, "noticed in time");
    const mendedAt = performance.now();
    proxy.mode = "pass";
    await until("what was missed", () => watched.calls.length === 50);
    assert.ok(performance.now() - mendedAt < 2_500, "resumed in time");
  });

  test("W6 a stopped etcd is found out in time and followed again once it goes on", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await using watched = new Watched(etcd.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    const stoppedAt = performance.now();
    etcd.pause();
    await until("an outage that is told", () => watched.outages.length > 0);
    assert.ok(performance.now() - stoppedAt < 6_500, "noticed in time");
    assert.match(watched.outages[0] ?? "", /^Cannot reach etcd at 127\.0\.0\.1:\d+: /);
    etcd.resume();
    await etcd.put("traefik/after", "1");
    await until("the change", () => watched.state.get("traefik/after") === "1");
  });

  test("W7 an emptied etcd is noticed though its revision is an old one", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await etcd.transaction("put traefik/a 1", "put traefik/b 1");
    await using watched = new Watched(etcd.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    await etcd.wipe();
    await etcd.run();
    await etcd.put("traefik/b", "2");
    await world.converged(watched);
    assert.deepEqual([...watched.state], [["traefik/b", "2"]]);
  });

  test("W9 killed again and again while it is written to: ordered, unique, whole", async () => {
    await using world = await World.start();
    const { etcd } = world;
    await using watched = new Watched(etcd.endpoint);
    await until("the first list", () => watched.listed !== undefined);
    for (let round = 0; round < 5; round++) {
      const writing = Array.from({ length: 8 }, async (_, i) => {
        const value = `${round}-${i}`;
        // Whether a write got through before the kill is etcd's to say: the dump below is the oracle.
        await world.write({ x: value, y: value }).catch(() => {});
      });
      await Promise.race(writing);
      await etcd.kill();
      await Promise.all(writing);
      await etcd.run();
      await etcd.transaction(`put traefik/x end-${round}`, `put traefik/y end-${round}`);
      await until("the last write", () => watched.state.get("traefik/x") === `end-${round}`);
    }
    await world.converged(watched);
    for (const changes of watched.calls) {
      assert.equal(changes.length, 2, "a transaction is never split");
      assert.equal(changes[0]?.value, changes[1]?.value);
    }
    assert.ok(ascending(watched.revisions), "in order, each revision once");
  });

  test("W11 what is written between the list and the watch arrives", async () => {
    await using world = await World.start();
    const { etcd } = world;
    for (let round = 0; round < 10; round++) {
      let written = 0;
      const writer = (async () => {
        for (; written < 50; written++) await world.write({ [`${round}-${written}`]: "1" });
      })();
      await until("a first write", () => written > 2 * round);
      await using watched = new Watched(etcd.endpoint);
      await writer;
      await world.converged(watched);
    }
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

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...b].every(([key, value]) => a.get(key) === value);
}

function ascending(revisions: readonly bigint[]): boolean {
  return revisions.every((revision, i) => i === 0 || revision > (revisions[i - 1] ?? 0n));
}
