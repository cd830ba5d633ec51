/** What the etcd store promises beyond the suite of every store: one fenced leader, outages, folding, followers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { EtcdClient } from "../../control-plane/etcd/etcd-client.ts";
import { prefixRange } from "../../control-plane/etcd/key-range.ts";
import { LogKeys } from "../../control-plane/snapshot-store/etcd-log/log-keys.ts";
import { LogWriter } from "../../control-plane/snapshot-store/etcd-log/log-writer.ts";
import { EtcdSnapshotStore } from "../../control-plane/snapshot-store/etcd-snapshot-store.ts";
import { digestOf, resource, StateReader, upsert } from "../contract/snapshot-store.contract.ts";
import { TestEtcd } from "../support/etcd.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { eventually } from "../support/program.ts";
import { silentLog } from "../support/silent-log.ts";
import { until } from "../support/until.ts";
import { anonymous } from "../support/watched.ts";

/** For tests that wait until a lease ends; the others must not lose theirs to a busy machine. */
const shortTtlSeconds = 2;
let etcd: TestEtcd;
let roots = 0;

/** A replica: a store, its reader, and whether it leads. */
class Replica implements AsyncDisposable {
  readonly reader = new StateReader();
  readonly store: EtcdSnapshotStore;
  readonly leadership: boolean[] = [];

  constructor(endpoint: string, rootKey: string, leaseTtlSeconds = 5) {
    this.store = new EtcdSnapshotStore({
      etcd: { ...anonymous, endpoints: [endpoint], rootKey },
      log: silentLog,
      leaseTtlSeconds,
    });
    this.store.onLeadership((leading) => this.leadership.push(leading));
  }

  get leads(): boolean {
    return this.leadership.at(-1) === true;
  }

  get number(): bigint {
    return this.reader.head?.generation?.number ?? 0n;
  }

  async open(): Promise<this> {
    await this.store.open(this.reader, new AbortController().signal);
    return this;
  }

  async lead(): Promise<this> {
    await this.open();
    await until("leadership", () => this.leads);
    return this;
  }

  async commit(name: string, text: string): Promise<bigint> {
    const { generation } = await this.store.commit(upsert(resource(name, text)), digestOf(text));
    return generation.number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.stop();
  }
}

// Side by side, because they wait more than they work.
describe("EtcdSnapshotStore", { concurrency: true }, () => {
  before(async () => {
    etcd = await TestEtcd.start();
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
  });

  const newRoot = () => `store-${roots++}`;

  test("followers get every commit in order, and one takes over at once when the leader stops", async () => {
    const root = newRoot();
    const first = await new Replica(etcd.endpoint, root).lead();
    await using second = await new Replica(etcd.endpoint, root).open();
    for (let i = 1; i <= 20; i++) await first.commit(`r${i % 5}`, `${i}`);
    await until("all commits", () => second.number === 20n);
    assert.deepEqual(second.reader.state, first.reader.state);
    assert.deepEqual(second.leadership, [false]);
    await assert.rejects(second.commit("r", "mine"), { name: "NotLeaderError" });

    const stoppedAt = performance.now();
    await first.store.stop();
    await until("the other to lead", () => second.leads);
    assert.ok(performance.now() - stoppedAt < 1_500, "handed over, not waited for");
    assert.equal(await second.commit("r", "21"), 21n);
  });

  test("a follower that was away while the log was folded reads anew; one that missed little catches up", async () => {
    await using etcd = await TestEtcd.start(); // compacted: not for others
    const root = newRoot();
    await using leader = await new Replica(etcd.endpoint, root).lead();
    await using proxy = await FaultProxy.start(etcd.port);
    await using follower = await new Replica(proxy.endpoint, root).open();
    await leader.commit("a", "1");
    await until("the first commit", () => follower.number === 1n);

    proxy.mode = "refuse";
    for (let i = 2; i <= 5; i++) await leader.commit("a", `${i}`);
    await etcd.compact();
    proxy.mode = "pass";
    await until("what was missed", () => follower.number === 5n);
    assert.deepEqual([follower.reader.resets, follower.reader.commits.length], [0, 5]);

    proxy.mode = "refuse";
    const large = (i: number) => resource(`large-${i % 4}`, `${i}`, 150_000);
    for (let i = 0; i < 24; i++) await leader.store.commit(upsert(large(i)), digestOf(`${i}`));
    await until("two foldings", async () => (await bases(etcd, root)).length === 1);
    await etcd.compact();
    proxy.mode = "pass";
    await until("the newest state", () => follower.number === leader.number);
    assert.equal(follower.reader.resets, 1);
    assert.deepEqual(follower.reader.state, leader.reader.state);
  });

  test("the log is folded when it outgrows its base, and old parts are deleted", async () => {
    const root = newRoot();
    await using leader = await new Replica(etcd.endpoint, root).lead();
    const state = Array.from({ length: 500 }, (_, i) => resource(`r${i}`, "0", 1_000));
    await leader.store.commit(upsert(...state), digestOf("0"));
    const before = (await etcd.dump(`${root}/`)).size;
    assert.ok(before <= 5, `a first commit serves as base: ${before} keys`);

    for (let round = 1; round <= 80; round++) {
      const some = state.slice(0, 100).map(({ name }) => resource(name, `${round}`, 1_000));
      await leader.store.commit(upsert(...some), digestOf(`${round}`));
    }
    await until("a base of its own", async () => (await bases(etcd, root)).length > 0);
    await until("little to be kept", async () => (await etcd.dump(`${root}/`)).size < 30);
    await using reader = await new Replica(etcd.endpoint, root).open();
    assert.deepEqual(reader.reader.state, leader.reader.state);
    assert.equal(reader.number, 81n);
  });

  test("in the long run less than twice of what changes is written", async () => {
    const root = newRoot();
    await using leader = await new Replica(etcd.endpoint, root).lead();
    const state = Array.from({ length: 1_000 }, (_, i) => resource(`r${i}`, "0", 400));
    await leader.store.commit(upsert(...state), digestOf("0"));
    const client = new EtcdClient({ ...anonymous, endpoints: [etcd.endpoint] });
    const from = (await client.range(prefixRange(`${root}/`))).revision;
    let changed = 0;
    for (let round = 1; round <= 150; round++) {
      const some = state
        .slice((round * 37) % 900, ((round * 37) % 900) + 50)
        .map(({ name }) => resource(name, `${round}`, 400));
      for (const { name, payload, hash } of some) {
        changed += name.length + payload.length + hash.length;
      }
      await leader.store.commit(upsert(...some), digestOf(`${round}`));
    }
    await until("two foldings", async () => {
      const [number = "0"] = (await bases(etcd, root)).slice(-1);
      return Number(number) > 75;
    });
    const written = await writtenSince(client, `${root}/`, from);
    client.close();
    assert.ok(written > changed, `${written} bytes for ${changed}`);
    assert.ok(
      written <= 2 * changed,
      `${(written / changed).toFixed(2)} bytes for each that changed`,
    );
  });

  test("a commit of one changed router writes a few hundred bytes", async () => {
    const root = newRoot();
    await using leader = await new Replica(etcd.endpoint, root).lead();
    const state = Array.from({ length: 2_000 }, (_, i) => resource(`router-${i}@etcd`, "0", 200));
    await leader.store.commit(upsert(...state), digestOf("0"));
    const before = await etcd.dump(`${root}/`);
    await leader.store.commit(upsert(resource("router-7@etcd", "1", 200)), digestOf("1"));
    const written = [...(await etcd.dump(`${root}/`))].filter(
      ([key, value]) => before.get(key) !== value,
    );
    const bytes = written.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    assert.ok(bytes < 700, `${bytes} bytes`);
    assert.deepEqual(
      written.map(([key]) => key.split("/")[2]),
      ["delta", "head"],
    );
  });

  test("every write of a past leader is refused", async () => {
    const root = newRoot();
    await using leader = await new Replica(etcd.endpoint, root).lead();
    await leader.commit("r", "1");
    const before = await etcd.dump(`${root}/`);
    const client = new EtcdClient({ ...anonymous, endpoints: [etcd.endpoint] });
    const keys = new LogKeys(root);
    const writer = new LogWriter(client, keys, { signal: new AbortController().signal });
    const past = { key: keys.leader, createRevision: 1n, candidate: "somebody" };
    const value = Buffer.from("late");
    await assert.rejects(writer.fenced(past, [{ kind: "put", key: keys.head, value }]), {
      name: "FencedError",
    });
    const many = Array.from({ length: 200 }, () => value);
    await assert.rejects(writer.stage(past, "delta", 2n, many), { name: "FencedError" });
    client.close();
    assert.deepEqual(await etcd.dump(`${root}/`), before);
  });

  test("a commit whose answer is lost is read back: it counts once", async () => {
    const root = newRoot();
    await using proxy = await FaultProxy.start(etcd.port);
    await using leader = await new Replica(proxy.endpoint, root).lead();
    for (let round = 1; round <= 3; round++) {
      proxy.mode = "mute";
      const committing = leader.commit("r", `${round}`);
      await until("the commit in etcd", async () =>
        [...(await etcd.dump(`${root}/generations/delta/`)).keys()].some((key) =>
          key.includes(`/${String(round).padStart(20, "0")}/`),
        ),
      );
      proxy.reset();
      proxy.mode = "pass";
      assert.equal(await committing, BigInt(round));
      await until("leadership", () => leader.leads);
    }
    assert.equal(leader.reader.commits.length, 3);
  });

  test("a commit that never arrived is refused, and its number is given to the next", async () => {
    const root = newRoot();
    await using proxy = await FaultProxy.start(etcd.port);
    await using leader = await new Replica(proxy.endpoint, root).lead();
    proxy.mode = "drop";
    const committing = leader.commit("r", "lost");
    const refused = assert.rejects(committing, { name: "StoreUnavailableError" });
    proxy.reset();
    proxy.mode = "pass";
    await refused;
    await until("leadership", () => leader.leads);
    assert.equal(await leader.commit("r", "1"), 1n);
    assert.deepEqual([...leader.reader.state.values()], ["1"]);
  });

  test("O5 etcd killed: leadership ends, commits are refused; etcd back: it goes on where it was", async () => {
    await using own = await TestEtcd.start();
    await using leader = await new Replica(own.endpoint, "switchyard", shortTtlSeconds).lead();
    await leader.commit("r", "1");
    await own.kill();
    await until("leadership to end", () => !leader.leads);
    await assert.rejects(leader.commit("r", "2"), { name: "NotLeaderError" });
    await own.run();
    await until("leadership", () => leader.leads);
    assert.equal(await leader.commit("r", "2"), 2n);
    assert.equal(leader.reader.resets, 0);
  });

  test("a store emptied under it is a new fleet: the reader is reset and the numbers begin anew", async () => {
    await using own = await TestEtcd.start();
    await using leader = await new Replica(own.endpoint, "switchyard").lead();
    await leader.commit("r", "1");
    const fleet = leader.reader.head?.fleetId;
    await own.wipe();
    await own.run();
    await until("a reset", () => leader.reader.resets === 1);
    await until("leadership", () => leader.leads && leader.reader.head !== undefined);
    assert.notEqual(leader.reader.head?.fleetId, fleet);
    // It may not know yet that its lease is gone with the rest.
    assert.equal(await eventually(() => leader.commit("r", "1")), 1n);
  });

  test("what a leader staged and never committed is deleted by the next", async () => {
    const root = newRoot();
    const first = await new Replica(etcd.endpoint, root).lead();
    await first.commit("r", "1");
    await first.store.stop();
    const left = `${new LogKeys(root).value("delta", 2n, 1)}`;
    await etcd.put(left, "half of something");
    await using second = await new Replica(etcd.endpoint, root).lead();
    assert.ok(!(await etcd.dump(`${root}/`)).has(left));
    assert.equal(await second.commit("r", "2"), 2n);
  });

  test("stop() does not wait for an etcd that says nothing", async () => {
    await using own = await TestEtcd.start();
    await using leader = await new Replica(own.endpoint, "switchyard").lead();
    own.pause();
    const committing = leader.commit("r", "1");
    committing.catch(() => {});
    const stoppedAt = performance.now();
    await leader.store.stop();
    assert.ok(performance.now() - stoppedAt < 2_000);
    own.resume();
  });

  test("waits for an etcd that is not there yet", async () => {
    await using late = await TestEtcd.prepare();
    await using replica = new Replica(late.endpoint, "switchyard");
    const opening = replica.lead();
    await assert.rejects(replica.commit("r", "1"), { name: "NotLeaderError" });
    const impatient = new Replica(late.endpoint, "switchyard");
    const given = impatient.open();
    await impatient.store.stop();
    await given; // an opening ends with the stop
    assert.equal(impatient.reader.head, undefined);
    await late.run();
    await opening;
    assert.equal(await replica.commit("r", "1"), 1n);
  });
});

/** Bytes of keys and values of every put after `revision`, as etcd's history has them. */
async function writtenSince(client: EtcdClient, prefix: string, revision: bigint) {
  const newest = (await client.range(prefixRange(prefix))).revision;
  let bytes = 0;
  for (let at = revision + 1n; at <= newest; at++) {
    const { pairs } = await client.range(prefixRange(prefix), { revision: at });
    for (const { key, value, modRevision } of pairs) {
      if (BigInt(modRevision) === at) bytes += key.length + value.length;
    }
  }
  return bytes;
}

async function bases(etcd: TestEtcd, root: string): Promise<string[]> {
  const keys = [...(await etcd.dump(`${root}/bases/`)).keys()];
  return [...new Set(keys.map((key) => key.split("/").at(-2) ?? ""))];
}
