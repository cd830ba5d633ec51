/** One leader at a time, whatever befalls it: stopped, cut off, or with a wall clock that jumps. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mock } from "node:test";
import { EtcdSnapshotStore } from "../../../control-plane/snapshot-store/etcd-snapshot-store.ts";
import { digestOf, resource, StateReader, upsert } from "../../contract/snapshot-store.contract.ts";
import { TestEtcd } from "../../support/etcd.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { Program } from "../../support/program.ts";
import { silentLog } from "../../support/silent-log.ts";
import { anonymous } from "../../support/watched.ts";
import { faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";

type Guards = NonNullable<ConstructorParameters<typeof EtcdSnapshotStore>[0]["guards"]>;

const rootKey = "switchyard";

/** A store, its reader, and when it began and ended to lead. */
class Replica implements AsyncDisposable {
  readonly reader = new StateReader();
  readonly store: EtcdSnapshotStore;
  /** `performance.now()` of each change, beginnings and endings by turns. */
  readonly turns: number[] = [];
  leads: boolean = false;

  constructor(endpoint: string, leaseTtlSeconds: number, guards: Guards = {}) {
    this.store = new EtcdSnapshotStore({
      etcd: { ...anonymous, endpoints: [endpoint], rootKey },
      log: silentLog,
      leaseTtlSeconds,
      guards,
    });
  }

  async open(): Promise<this> {
    await this.store.open(this.reader, new AbortController().signal);
    this.store.onLeadership((leading) => {
      if (leading !== this.leads) this.turns.push(performance.now());
      this.leads = leading;
    });
    return this;
  }

  async commit(text: string): Promise<bigint> {
    const { generation } = await this.store.commit(upsert(resource("r", text)), digestOf(text));
    return generation.number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.stop();
  }
}

/** As etcd has it: what decides which writes count. */
async function headIn(etcd: TestEtcd): Promise<string> {
  return String((await etcd.read(`${rootKey}/generations/`)).get(`${rootKey}/generations/head`));
}

faultTest({
  id: "L1",
  title: "a leader stopped for three lease times changes nothing when it goes on",
  guard: "the fence",
  run: async ({ context, size, guarded }) => {
    const ttlSeconds = size === "full" ? 5 : 2;
    await using etcd = await TestEtcd.start();
    await using stopped = new Program(
      [
        join(import.meta.dirname, "store-replica.ts"),
        `--endpoint=${etcd.endpoint}`,
        `--root=${rootKey}`,
        `--ttl=${ttlSeconds}`,
        ...(guarded ? [] : ["--unguarded"]),
      ],
      { command: process.execPath },
    );
    const said = () => stopped.lines.map((line) => String(line["raw"] ?? ""));
    await within(10_000, "commits", () => said().length === 10);
    // A lease that a busy machine does not cost it: then the stopped one would rightly lead again.
    await using other = await new Replica(etcd.endpoint, 20).open();
    stopped.kill("SIGSTOP");
    const stoppedAtMs = performance.now();
    await within((ttlSeconds + 3) * 1_000, "the other to lead", () => other.leads);
    const takenOverMs = performance.now() - stoppedAtMs;
    const first = await other.commit("new leader");
    const head = await headIn(etcd);
    await within(ttlSeconds * 3_500, "three lease times", () => {
      return performance.now() - stoppedAtMs >= ttlSeconds * 3_000;
    });
    const before = said().length;
    stopped.kill("SIGCONT");
    const isUntouched = async () => (await headIn(etcd)) === head;
    await within(10_000, "its word", () => said().length > before);
    assert.ok(await isUntouched(), "a late write counted");
    assert.equal(said().at(-1), "NotLeaderError");
    assert.equal(await other.commit("new leader"), first + 1n);
    assert.deepEqual([...other.reader.state.values()], ["new leader"]);
    context.diagnostic(
      `taken over ${takenOverMs.toFixed(0)} ms after the stop, TTL ${ttlSeconds} s`,
    );
  },
});

faultTest({
  id: "L2",
  title:
    "a leader cut off from etcd steps down before its lease ends, another leads within TTL + 1 s",
  guard: "the monotonic clock",
  run: async ({ context, size, guarded }) => {
    const ttlSeconds = size === "full" ? 5 : 2;
    await using etcd = await TestEtcd.start();
    await using proxy = await FaultProxy.start(etcd.port);
    await using cut = await new Replica(
      proxy.endpoint,
      ttlSeconds,
      guarded ? {} : { now: () => 0 },
    ).open();
    await within(5_000, "leadership", () => cut.leads);
    await using other = await new Replica(etcd.endpoint, ttlSeconds).open();
    proxy.mode = "drop";
    const cutAtMs = performance.now();
    await within((ttlSeconds + 1) * 1_000, "the other to lead", () => other.leads);
    const [, steppedDownAtMs = Number.POSITIVE_INFINITY] = cut.turns;
    const [tookOverAtMs = 0] = other.turns;
    assert.ok(steppedDownAtMs < tookOverAtMs, "two led at a time");
    assert.ok(steppedDownAtMs - cutAtMs < ttlSeconds * 1_000, "it led beyond its lease");
    await assert.rejects(cut.commit("late"), { name: "NotLeaderError" });
    assert.equal(await other.commit("1"), 1n);
    proxy.mode = "pass";
    await within(10_000, "the commit at the one cut off", () => cut.reader.commits.length === 1);
    context.diagnostic(
      `stepped down after ${(steppedDownAtMs - cutAtMs).toFixed(0)} ms, taken over after ${(tookOverAtMs - cutAtMs).toFixed(0)} ms, TTL ${ttlSeconds} s`,
    );
  },
});

faultTest({
  id: "L3",
  title:
    "the wall clock an hour ahead and an hour back: nobody loses the lead for it, nobody keeps it for it",
  guard: "the monotonic clock",
  run: async ({ context, size, guarded }) => {
    const ttlSeconds = 2;
    const rounds = size === "full" ? 10 : 2;
    await using etcd = await TestEtcd.start();
    await using proxy = await FaultProxy.start(etcd.port);
    const realNow = Date.now;
    let shiftMs = 0;
    mock.method(Date, "now", () => realNow() + shiftMs);
    try {
      const guards = guarded ? {} : { now: () => Date.now() };
      await using leader = await new Replica(proxy.endpoint, ttlSeconds, guards).open();
      await within(5_000, "leadership", () => leader.leads);
      await using other = await new Replica(etcd.endpoint, ttlSeconds, guards).open();
      for (let round = 0; round < rounds; round++) {
        for (const shift of [3_600_000, -3_600_000]) {
          shiftMs = shift;
          const shiftedAtMs = performance.now();
          await within(ttlSeconds * 2_000, "more than a lease time", () => {
            return performance.now() - shiftedAtMs > ttlSeconds * 1_300;
          });
          assert.equal(leader.turns.length, 1, "the lead was lost to a clock");
        }
      }
      proxy.mode = "drop";
      shiftMs = -3_600_000 * 2;
      await within((ttlSeconds + 1) * 1_000, "the other to lead", () => other.leads);
      assert.ok(!leader.leads, "two lead at a time");
      assert.ok((leader.turns[1] ?? Number.POSITIVE_INFINITY) < (other.turns[0] ?? 0));
      proxy.mode = "pass";
      context.diagnostic(`${rounds * 2} jumps of an hour, the lead lost by none`);
    } finally {
      mock.restoreAll();
    }
  },
});
