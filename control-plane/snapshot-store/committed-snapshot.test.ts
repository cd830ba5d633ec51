import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import { resourceId } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { routerResource } from "../../test/support/resources.ts";
import { CommittedSnapshot, PreparationAbandonedError } from "./committed-snapshot.ts";
import type { CommittedGeneration } from "./snapshot-store.ts";

const sources = new Map();

/** A committed snapshot that has been read empty, and how to commit to it; every state it went through by number. */
function startCommitted(historyKeys?: number) {
  const committed = new CommittedSnapshot(historyKeys);
  const truth = new KeyedSnapshot();
  const states: CommittedGeneration[] = [];
  let generation = { fleetId: "fleet-a", epoch: 1n, number: 0n };
  committed.finishLoading({ fleetId: "fleet-a", generation, digest: truth.digest(), sources });
  const commit = (delta: SnapshotDelta, newEpoch = false) => {
    truth.apply(delta);
    const { epoch, number } = generation;
    generation = { ...generation, epoch: newEpoch ? epoch + 1n : epoch, number: number + 1n };
    const digest = truth.digest();
    committed.commit({ generation, digest, delta, sources });
    states.push({ generation, digest, delta, sources });
  };
  return { committed, truth, states, commit };
}

const delta = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.option(fc.nat(3))), {
    minLength: 1,
    selector: ([name]) => name,
  })
  .map(
    (changes): SnapshotDelta => ({
      upserts: changes.flatMap(([name, version]) =>
        version === null ? [] : [routerResource(name, version)],
      ),
      removals: changes.flatMap(([name, version]) =>
        version === null ? [routerResource(name)] : [],
      ),
    }),
  );

test("CommittedSnapshot.deltaSince() leads from every remembered state to the head", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(delta, fc.boolean()), { maxLength: 12 }), (commits) => {
      const { committed, truth, states, commit } = startCommitted();
      for (const [change, newEpoch] of commits) commit(change, newEpoch);
      for (const [index, base] of states.entries()) {
        const held = new KeyedSnapshot();
        for (const { delta: step } of states.slice(0, index + 1)) held.apply(step);
        held.apply(committed.deltaSince(base)!);
        assert.deepEqual(held.digest(), truth.digest());
      }
    }),
  );
});

/** What a process that starts on the store of the others reads. */
function restarted(
  states: readonly CommittedGeneration[],
  truth: KeyedSnapshot,
  last = states.at(-1),
) {
  const committed = new CommittedSnapshot();
  committed.load({ upserts: [...truth.resources()], removals: [] });
  committed.loadHistory(
    states.map(({ generation, digest, delta: { upserts, removals } }) => {
      return { generation, digest, keys: [...upserts, ...removals] };
    }),
  );
  committed.finishLoading({
    fleetId: "fleet-a",
    generation: last?.generation,
    digest: last?.digest,
    sources,
  });
  return committed;
}

test("CommittedSnapshot.deltaSince() knows after a restart what the store remembers", () => {
  fc.assert(
    fc.property(fc.array(delta, { minLength: 1, maxLength: 12 }), (commits) => {
      const { truth, states, commit } = startCommitted();
      for (const change of commits) commit(change);
      const committed = restarted(states, truth);
      const held = new KeyedSnapshot();
      for (const base of states) {
        held.apply(base.delta);
        const caughtUp = new KeyedSnapshot();
        caughtUp.apply({ upserts: [...held.resources()], removals: [] });
        caughtUp.apply(committed.deltaSince(base)!);
        assert.deepEqual(caughtUp.digest(), truth.digest());
      }
    }),
  );
});

test("CommittedSnapshot believes no history that does not lead to what was read", () => {
  const { truth, states, commit } = startCommitted();
  commit({ upserts: [routerResource("a")], removals: [] });
  commit({ upserts: [routerResource("b")], removals: [] });
  commit({ upserts: [routerResource("c")], removals: [] });
  const [first, second, third] = states;
  assert.ok(restarted(states, truth).deltaSince(first!));
  assert.equal(restarted([first!, second!], truth, third).deltaSince(first!), undefined);
});

test("CommittedSnapshot.deltaSince() knows no state it does not remember exactly", () => {
  const { committed, states, commit } = startCommitted();
  commit({ upserts: [routerResource("a")], removals: [] });
  commit({ upserts: [routerResource("b")], removals: [] });
  const { generation, digest } = states[0]!;
  assert.ok(committed.deltaSince({ generation, digest }));
  for (const other of [{ fleetId: "fleet-b" }, { epoch: 0n }, { epoch: 2n }, { number: 3n }]) {
    const forged = { generation: { ...generation, ...other }, digest };
    assert.equal(committed.deltaSince(forged), undefined);
  }
  assert.equal(committed.deltaSince({ generation, digest: states[1]!.digest }), undefined);
  assert.equal(committed.deltaSince({ generation, digest: Buffer.alloc(0) }), undefined);
});

test("CommittedSnapshot remembers as many changed keys as it is told to", () => {
  const { committed, states, commit } = startCommitted(10);
  for (let index = 0; index < 30; index++) {
    commit({ upserts: [routerResource(`r${index}`), routerResource("same", index)], removals: [] });
  }
  const remembered = states.filter((state) => committed.deltaSince(state) !== undefined);
  assert.deepEqual(remembered, states.slice(-6)); // five steps of two keys, and what they build on
  assert.equal(committed.deltaSince(states.at(-6)!)?.upserts.length, 6);
});

test("CommittedSnapshot shows the committed state while a commit is prepared, and after it is abandoned", async () => {
  const { committed, states, commit } = startCommitted();
  commit({ upserts: [routerResource("a", 1), routerResource("b", 1)], removals: [] });
  commit({ upserts: [routerResource("a", 2), routerResource("b", 2)], removals: [] });
  const base = states[0]!;
  const [delta, full] = [committed.deltaSince(base), new Set(committed.full().upserts)];
  await committed.prepare({
    upserts: [routerResource("a", 3), routerResource("c")],
    removals: [routerResource("b")],
  });
  assert.deepEqual(committed.deltaSince(base), delta);
  assert.deepEqual(new Set(committed.full().upserts), full);
  committed.abandon();
  assert.deepEqual(committed.deltaSince(base), delta);
  assert.deepEqual(new Set(committed.full().upserts), full);
});

test("CommittedSnapshot.commit() of what was prepared costs no second digest and is the same", async () => {
  const { committed, truth, commit } = startCommitted();
  const change = { upserts: [routerResource("a"), routerResource("b")], removals: [] };
  const prepared = await committed.prepare(change);
  assert.equal(committed.full().upserts.length, 0);
  commit(change);
  assert.equal(committed.isPrepared(prepared), false);
  assert.deepEqual(committed.head?.digest, truth.digest());
  assert.equal(committed.full().upserts.length, 2);
});

test("CommittedSnapshot.prepare() of much gives other work its turn, and gives way to another commit", async () => {
  const { committed, truth, states, commit } = startCommitted();
  commit({ upserts: [routerResource("a", 1), routerResource("b", 1)], removals: [] });
  const much = Array.from({ length: 30_000 }, (_, index) => routerResource(`r${index}`));
  const preparing = committed.prepare({ upserts: much, removals: [routerResource("a")] });
  assert.equal(committed.get(resourceId(much[0]!)), undefined, "half of it is nothing");
  assert.equal(committed.full().upserts.length, 2);
  commit({ upserts: [routerResource("b", 2)], removals: [] });
  await assert.rejects(preparing, PreparationAbandonedError);
  assert.equal(committed.full().upserts.length, 2);
  assert.deepEqual(committed.head?.digest, truth.digest());
  const prepared = await committed.prepare({ upserts: much, removals: [] });
  commit({ upserts: much, removals: [] });
  assert.deepEqual(Buffer.from(prepared), Buffer.from(truth.digest()));
  assert.deepEqual(committed.deltaSince(states[1]!)?.upserts.length, 30_000);
});

test("CommittedSnapshot offers nothing when what was read has another digest", () => {
  const committed = new CommittedSnapshot();
  committed.load({ upserts: [routerResource("a")], removals: [] });
  const generation = { fleetId: "fleet-a", epoch: 1n, number: 7n };
  assert.throws(
    () =>
      committed.finishLoading({
        fleetId: "fleet-a",
        generation,
        digest: Buffer.alloc(32),
        sources,
      }),
    {
      name: "DigestMismatchError",
      message: "Cannot offer generation 7: what was read does not have its digest",
    },
  );
  assert.equal(committed.head, undefined);
});
