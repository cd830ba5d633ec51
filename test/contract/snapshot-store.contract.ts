/** What every snapshot store must do; run against each implementation by a `snapshot-store-*.test.ts` beside it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Resource, resourceId } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type {
  CommittedGeneration,
  PastStep,
  SnapshotReader,
  SnapshotStore,
  StoreHead,
  StoreNote,
} from "../../control-plane/snapshot-store/snapshot-store.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { until } from "../support/until.ts";

/** One place where generations are kept; several stores may be opened on it, one after the other at least. */
export interface StoreWorld extends AsyncDisposable {
  store(): SnapshotStore;
}

export interface ConformanceInit {
  readonly world: () => Promise<StoreWorld>;
  readonly propertyRuns: number;
}

export function resource(name: string, text: string, bytes = 0): Resource {
  const payload = Buffer.from(text.padEnd(bytes, "."));
  const hash = createHash("sha256").update(payload).digest();
  return { kind: ResourceKind.HTTP_ROUTER, name, hash, payload };
}

export const upsert = (...upserts: readonly Resource[]): SnapshotDelta => ({
  upserts,
  removals: [],
});

/** A stand-in for the view digest: the store must only keep it. */
export const digestOf = (text: string): Uint8Array => createHash("sha256").update(text).digest();

/** Follows a store as a replica would, and checks on every event what the contract promises about its order. */
export class StateReader implements SnapshotReader {
  readonly commits: CommittedGeneration[] = [];
  state = new Map<string, string>();
  largestPartBytes = 0;
  resets = 0;
  history: readonly PastStep[] = [];
  head: StoreHead | undefined;
  notes = new Map<string, string>();

  onNote({ name, text }: StoreNote): void {
    if (text === undefined) assert.ok(this.notes.delete(name), "a note goes once");
    else this.notes.set(name, text);
  }

  onPart(delta: SnapshotDelta): void {
    assert.equal(this.head, undefined, "parts come before the head");
    assert.deepEqual(delta.removals, []);
    const bytes = delta.upserts.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    this.largestPartBytes = Math.max(this.largestPartBytes, bytes);
    this.#apply(delta);
  }

  onHistory(steps: readonly PastStep[]): void {
    assert.equal(this.head, undefined, "history comes before the head");
    this.history = steps;
  }

  onHead(head: StoreHead): void {
    this.head = head;
    const newest = this.history.at(-1);
    if (newest !== undefined) {
      assert.deepEqual(newest.generation, head.generation, "history ends with the head");
      assert.deepEqual(Buffer.from(newest.digest), Buffer.from(head.digest ?? []));
    }
    for (const [index, { generation }] of this.history.entries()) {
      const before = this.history[index - 1]?.generation;
      if (before !== undefined) assert.equal(generation.number, before.number + 1n, "no gaps");
    }
  }

  onCommit(commit: CommittedGeneration): void {
    assert.ok(this.head !== undefined, "commits come after the head");
    const before = this.head.generation;
    const isNewEpoch = before !== undefined && before.epoch < commit.generation.epoch;
    if (!isNewEpoch) {
      assert.equal(commit.generation.number, (before?.number ?? 0n) + 1n, "no gaps in an epoch");
    }
    assert.equal(commit.generation.fleetId, this.head.fleetId);
    this.head = {
      fleetId: this.head.fleetId,
      generation: commit.generation,
      digest: commit.digest,
      sources: commit.sources,
    };
    this.commits.push(commit);
    this.#apply(commit.delta);
  }

  onReset(): void {
    this.resets += 1;
    this.head = undefined;
    this.state = new Map();
    this.history = [];
    this.notes = new Map();
  }

  #apply({ upserts, removals }: SnapshotDelta): void {
    for (const removal of removals) this.state.delete(resourceId(removal));
    for (const upserted of upserts) {
      this.state.set(resourceId(upserted), Buffer.from(upserted.payload).toString());
    }
  }
}

/** Opens a store and waits until it may commit. */
export async function openStore(store: SnapshotStore, reader: SnapshotReader): Promise<void> {
  await store.open(reader, new AbortController().signal);
  await leading(store);
}

function leading(store: SnapshotStore): Promise<void> {
  return new Promise((resolve) => store.onLeadership((now) => now && resolve()));
}

/** What a store opened afresh on `world` reads. */
export async function reopened(world: StoreWorld): Promise<StateReader> {
  const reader = new StateReader();
  const store = world.store();
  await store.open(reader, new AbortController().signal);
  await store.stop();
  return reader;
}

export function snapshotStoreConformance(name: string, init: ConformanceInit): void {
  describe(`snapshot store: ${name}`, () => {
    test("a new store has a fleet id and no generation", async () => {
      await using world = await init.world();
      const first = await reopened(world);
      assert.match(first.head?.fleetId ?? "", /^[0-9a-f]{24}$/);
      assert.equal(first.head?.generation, undefined);
      assert.equal(first.head?.digest, undefined);
      assert.equal((await reopened(world)).head?.fleetId, first.head?.fleetId);
    });

    test("commit() numbers generations from 1 and hands each to the reader", async () => {
      await using world = await init.world();
      const store = world.store();
      const reader = new StateReader();
      await openStore(store, reader);
      const first = await store.commit(upsert(resource("a", "1")), digestOf("1"));
      const second = await store.commit(upsert(resource("a", "2")), digestOf("2"));
      assert.deepEqual([first.generation.number, second.generation.number], [1n, 2n]);
      assert.ok(first.generation.epoch >= 1n);
      await until("both commits at the reader", () => reader.commits.length === 2);
      assert.deepEqual(Buffer.from(second.digest), digestOf("2"));
      await store.stop();
    });

    test("a reopened store gives the newest state, digest and number, and goes on counting", async () => {
      await using world = await init.world();
      const store = world.store();
      await openStore(store, new StateReader());
      await store.commit(upsert(resource("a", "1"), resource("b", "1")), digestOf("1"));
      const { kind, name } = resource("a", "");
      await store.commit(
        { upserts: [resource("b", "2")], removals: [{ kind, name }] },
        digestOf("2"),
      );
      await store.stop();

      const next = world.store();
      const reader = new StateReader();
      await openStore(next, reader);
      assert.deepEqual([...reader.state], [[resourceId(resource("b", "")), "2"]]);
      assert.equal(reader.head?.generation?.number, 2n);
      assert.deepEqual(Buffer.from(reader.head?.digest ?? []), digestOf("2"));
      const [first, second] = reader.history;
      assert.deepEqual(Buffer.from(first?.digest ?? []), digestOf("1"));
      const changed = (second?.keys ?? []).map(resourceId).toSorted();
      assert.deepEqual(
        changed,
        ["a", "b"].map((key) => resourceId(resource(key, ""))),
      );
      const third = await next.commit({ upserts: [], removals: [] }, digestOf("2"));
      assert.equal(third.generation.number, 3n);
      await next.stop();
    });

    test("a commit in a new epoch takes the number it is given and keeps the state", async () => {
      await using world = await init.world();
      const store = world.store();
      await openStore(store, new StateReader());
      await store.commit(upsert(resource("a", "1"), resource("b", "1")), digestOf("1"));
      const delta = { upserts: [resource("c", "1")], removals: [resource("a", "")] };
      const at = { epoch: 7n, number: 2n };
      const jumped = await store.commit(delta, digestOf("2"), { at });
      assert.deepEqual(
        [jumped.generation.epoch, jumped.generation.number],
        [7n, 2n],
        "though the number is the next one",
      );
      const next = await store.commit(upsert(resource("d", "1")), digestOf("3"));
      assert.deepEqual([next.generation.epoch, next.generation.number], [7n, 3n]);
      await store.commit(upsert(), digestOf("3"), { at: { epoch: 9n, number: 100n } });
      await store.stop();
      const reader = await reopened(world);
      const ids = ["b", "c", "d"].map((name) => resourceId(resource(name, "")));
      assert.deepEqual(new Set(reader.state.keys()), new Set(ids));
      assert.deepEqual(
        [reader.head?.generation?.epoch, reader.head?.generation?.number],
        [9n, 100n],
      );
      assert.equal(reader.history.length, 1, "no delta leads over a jump");
    });

    test("notes change only from what they were, and are read back", async () => {
      await using world = await init.world();
      const store = world.store();
      const reader = new StateReader();
      await openStore(store, reader);
      const change = { name: "guard-1", from: undefined, to: "ö1", asLeader: true };
      assert.equal(await store.writeNote(change), true);
      assert.equal(await store.writeNote(change), false, "it is there already");
      assert.equal(await store.writeNote({ ...change, from: "other", to: "2" }), false);
      assert.equal(
        await store.writeNote({ name: "guard-1", from: "ö1", to: "2", asLeader: false }),
        true,
      );
      await store.writeNote({ ...change, name: "guard-2" });
      await store.writeNote({ ...change, name: "guard-2", from: "ö1", to: undefined });
      await until(
        "the notes",
        () => reader.notes.get("guard-1") === "2" && reader.notes.size === 1,
      );
      await store.commit(upsert(resource("a", "1")), digestOf("1"));
      await store.stop();
      assert.deepEqual([...(await reopened(world)).notes], [["guard-1", "2"]]);
    });

    test("the digests of sources are kept with the generation", async () => {
      await using world = await init.world();
      const store = world.store();
      await openStore(store, new StateReader());
      const sources = new Map([["etcd", { digest: digestOf("source"), revision: 12n }]]);
      await store.commit(upsert(resource("a", "1")), digestOf("1"), { sources });
      await store.commit(upsert(resource("b", "1")), digestOf("2"));
      await store.stop();
      const kept = (await reopened(world)).head?.sources.get("etcd");
      assert.deepEqual(Buffer.from(kept?.digest ?? []), digestOf("source"));
      assert.equal(kept?.revision, 12n);
    });

    test("a fleet adopted keeps the content and the number", async () => {
      await using world = await init.world();
      const store = world.store();
      const reader = new StateReader();
      await openStore(store, reader);
      await store.commit(upsert(resource("a", "1")), digestOf("1"));
      await store.adoptFleet("f".repeat(24));
      await until("a reading", () => reader.head?.fleetId === "f".repeat(24));
      assert.equal(reader.state.size, 1);
      await store.stop();
      const { head } = await reopened(world);
      assert.deepEqual([head?.fleetId, head?.generation?.number], ["f".repeat(24), 1n]);
    });

    test("a removal of what is not there, and names with any character, are harmless", async () => {
      await using world = await init.world();
      const store = world.store();
      await openStore(store, new StateReader());
      const odd = resource("röuter/ 'x'\u0000\n@etcd", "1");
      const { kind } = odd;
      await store.commit({ upserts: [odd], removals: [{ kind, name: "none" }] }, digestOf("1"));
      await store.stop();
      assert.deepEqual([...(await reopened(world)).state.keys()], [resourceId(odd)]);
    });

    test("a large state is committed whole and read back in parts", async () => {
      await using world = await init.world();
      const store = world.store();
      await openStore(store, new StateReader());
      const many = Array.from({ length: 3_000 }, (_, i) => resource(`r${i}`, `${i}`, 1_000));
      const big = resource("certificate", "big", 400_000);
      await store.commit(upsert(...many, big), digestOf("1"));
      await store.stop();
      const reader = await reopened(world);
      assert.equal(reader.state.size, 3_001);
      assert.equal(reader.state.get(resourceId(big))?.length, 400_000);
      assert.ok(reader.largestPartBytes <= 800_000, `part of ${reader.largestPartBytes} bytes`);
    });

    test("commit() after stop() is refused", async () => {
      await using world = await init.world();
      const store = world.store();
      await openStore(store, new StateReader());
      await store.stop();
      await store.stop();
      await assert.rejects(store.commit(upsert(resource("a", "1")), digestOf("1")));
    });

    test("random commits, with reopenings between: what is read is what was committed", async () => {
      const name = fc.integer({ min: 0, max: 30 }).map((n) => `r${n}`);
      const change = fc.record({ name, text: fc.option(fc.string({ maxLength: 20 })) });
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.uniqueArray(change, { selector: (c) => c.name, maxLength: 8 }) },
        { weight: 1, arbitrary: fc.constant("reopen" as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
          await using world = await init.world();
          await runSteps(world, steps);
        }),
        { numRuns: init.propertyRuns },
      );
    });
  });
}

type Step = "reopen" | readonly { readonly name: string; readonly text: string | null }[];

async function runSteps(world: StoreWorld, steps: readonly Step[]): Promise<void> {
  const expected = new Map<string, string>();
  let [store, reader, number] = [world.store(), new StateReader(), 0n];
  await openStore(store, reader);
  for (const step of steps) {
    if (step === "reopen") {
      await store.stop();
      [store, reader] = [world.store(), new StateReader()];
      await openStore(store, reader);
      continue;
    }
    const upserts: Resource[] = [];
    const removals: Resource[] = [];
    for (const { name, text } of step) {
      const changed = resource(name, text ?? "");
      if (text === null) {
        removals.push(changed);
        expected.delete(resourceId(changed));
      } else {
        upserts.push(changed);
        expected.set(resourceId(changed), text);
      }
    }
    const commit = await store.commit({ upserts, removals }, digestOf(`${number}`));
    number += 1n;
    assert.equal(commit.generation.number, number);
  }
  await until("the last commit", () => (reader.head?.generation?.number ?? 0n) === number);
  await store.stop();
  const last = await reopened(world);
  const sorted = (entries: Iterable<[string, string]>) => [...entries].sort();
  assert.deepEqual(sorted(reader.state), sorted(expected), "the follower's state");
  assert.deepEqual(sorted(last.state), sorted(expected), "the reopened state");
  assert.equal(last.head?.generation?.number ?? 0n, number);
}
