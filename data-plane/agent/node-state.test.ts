import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { ChangeListParts } from "../../config-model/snapshot/change-list-codec.ts";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import { type Resource, resourceId } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { TransferBegin, TransferChunk } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { CrashFileSystem } from "../../test/support/crash-file-system.ts";
import { routerResource } from "../../test/support/resources.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { LastKnownGood } from "./last-known-good/last-known-good.ts";
import { NodeState } from "./node-state.ts";
import { type ReceivedTransfer, TransferError, TransferReceiver } from "./transfer-receiver.ts";

const router = ResourceKind.HTTP_ROUTER;
const generation = (number: number) => ({ fleetId: "f", epoch: 1n, number: BigInt(number) });

/** A control plane that is nothing but its state. */
class Source {
  readonly snapshot = new KeyedSnapshot();
  number = 0;
  readonly #states: ReadonlyMap<string, Resource>[] = [new Map()];

  commit(delta: SnapshotDelta): void {
    this.snapshot.apply(delta);
    this.number += 1;
    this.#states.push(
      new Map([...this.snapshot.resources()].map((held) => [resourceId(held), held])),
    );
  }

  /** What leads from an earlier generation to the newest; from 0 it is everything. */
  deltaFrom(number: number): SnapshotDelta {
    const before = this.#states[number] ?? new Map<string, Resource>();
    const after = this.#states[this.number] ?? new Map<string, Resource>();
    return {
      upserts: [...after].filter(([id, held]) => before.get(id) !== held).map(([, held]) => held),
      removals: [...before]
        .filter(([id]) => !after.has(id))
        .map(([, { kind, name }]) => ({ kind, name })),
    };
  }
}

interface Damage {
  readonly kind: "none" | "lost" | "flipped" | "digest" | "base" | "delta";
  readonly at: number;
}

/** Sends what is newest, damaged on the way; throws `TransferError` when the node notices. */
function send(source: Source, from: number, { kind, at }: Damage): ReceivedTransfer {
  const delta = source.deltaFrom(from);
  const wrong = { upserts: delta.upserts.slice(1), removals: delta.removals };
  const parts = [...new ChangeListParts(kind === "delta" ? wrong : delta, 300)];
  const target = generation(source.number);
  const base = from === 0 ? undefined : generation(kind === "base" ? from - 1 : from);
  const receiver = new TransferReceiver(
    TransferBegin.fromPartial({
      generation: target,
      chunkCount: parts.length,
      ...(base && { base }),
    }),
  );
  for (const [index, changes] of parts.entries()) {
    const isHit = index === at % parts.length;
    const checksum = crc32(changes);
    if (kind === "lost" && isHit) continue;
    if (kind === "flipped" && isHit) changes[at % changes.length]! ^= 0x10;
    receiver.add(TransferChunk.fromPartial({ index, changes, crc32: checksum }));
  }
  const digest = Buffer.from(source.snapshot.digest());
  if (kind === "digest") digest[at % 32]! ^= 1;
  return receiver.commit({ generation: target, digest, sources: [] });
}

const contents = (state: { resources(): Iterable<Resource> }) =>
  new Map([...state.resources()].map((held) => [resourceId(held), Buffer.from(held.payload)]));

test("NodeState stages a full transfer over a held state as the difference", async () => {
  const source = new Source();
  const state = new NodeState();
  source.commit({
    upserts: [routerResource("a"), routerResource("b"), routerResource("c")],
    removals: [],
  });
  (await state.stage(send(source, 0, { kind: "none", at: 0 }))).commit();
  const kept = state.get({ kind: router, name: "c" });
  source.commit({ upserts: [routerResource("a", 2)], removals: [{ kind: router, name: "b" }] });
  const staged = await state.stage(send(source, 0, { kind: "none", at: 0 }));
  assert.equal(staged.full, false);
  assert.equal(staged.parts.length, 2);
  staged.commit();
  assert.equal(
    state.get({ kind: router, name: "c" }),
    kept,
    "what did not change keeps its object",
  );
  assert.deepEqual(state.running?.generation, generation(2));
});

test("NodeState undone is as it was", async () => {
  const source = new Source();
  const state = new NodeState();
  source.commit({ upserts: [routerResource("a"), routerResource("b")], removals: [] });
  (await state.stage(send(source, 0, { kind: "none", at: 0 }))).commit();
  const before = contents(state);
  source.commit({
    upserts: [routerResource("a", 2), routerResource("x")],
    removals: [{ kind: router, name: "b" }],
  });
  const staged = await state.stage(send(source, 1, { kind: "none", at: 0 }));
  staged.undo();
  assert.deepEqual(contents(state), before);
  assert.deepEqual(state.running?.generation, generation(1));
  (await state.stage(send(source, 1, { kind: "none", at: 0 }))).commit();
  assert.deepEqual(contents(state), contents(source.snapshot));
});

const runs = Number(process.env["SWITCHYARD_TEST_HISTORIES"] ?? 60);

test(`NodeState ends as its control plane says in ${runs} random histories of edits, damage, undoing and crashes`, async (t) => {
  const seed = Number(process.env["SWITCHYARD_TEST_SEED"] ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const random = new SeededRandom(seed);
  for (let run = 0; run < runs; run += 1) await history(random, `seed ${seed}, run ${run}`);
});

async function history(random: SeededRandom, where: string): Promise<void> {
  const source = new Source();
  let disk = new CrashFileSystem();
  let node = await boot(disk);
  for (let step = 0; step < 25; step += 1) {
    if (source.number === 0 || random.chance(0.5)) source.commit(randomDelta(random));
    if (random.chance(0.1)) {
      const after = disk.afterCrash(random.pick(["process", "power", "names first"] as const));
      disk.cutAt = disk.steps; // the process that was killed writes nothing more
      await node.lastKnownGood.stop();
      disk = after;
      node = await boot(disk);
    }
    const { state, lastKnownGood } = node;
    const before = Buffer.from(state.running?.digest ?? []);
    const held = Number(state.running?.generation.number ?? 0n);
    const kind = random.pick([
      "none",
      "none",
      "none",
      "lost",
      "flipped",
      "digest",
      "base",
      "delta",
    ] as const);
    const from = random.chance(0.3) ? 0 : held;
    try {
      const staged = await state.stage(send(source, from, { kind, at: random.below(1_000) }));
      if (random.chance(0.2)) staged.undo();
      else {
        staged.commit();
        lastKnownGood.keep(staged);
        assert.deepEqual(contents(state), contents(source.snapshot), where);
        if (random.chance(0.7)) await lastKnownGood.flush();
        continue;
      }
    } catch (error) {
      assert.ok(error instanceof TransferError, `${where}: ${error}`);
      assert.notEqual(kind, "none", `${where}: ${error.message}`);
    }
    assert.deepEqual(Buffer.from(state.running?.digest ?? []), before, where);
  }
  (await node.state.stage(send(source, 0, { kind: "none", at: 0 }))).commit();
  assert.deepEqual(contents(node.state), contents(source.snapshot), where);
  await node.lastKnownGood.stop();
}

async function boot(fileSystem: CrashFileSystem) {
  const state = new NodeState();
  const lastKnownGood = new LastKnownGood({
    directory: "/state",
    fileSystem,
    log: silentLog,
    atRest: async (task) => task(),
    capture: () =>
      state.running === undefined ? undefined : { ...state.running, resources: state.resources() },
    onFailureChange() {},
    flushIntervalMs: 3_600_000,
    minLogBytes: 2_000,
  });
  const loaded = await lastKnownGood.load();
  if (loaded !== undefined) state.adopt(loaded.snapshot, loaded);
  return { state, lastKnownGood };
}

function randomDelta(random: SeededRandom): SnapshotDelta {
  const changes = new Map<string, Resource | undefined>();
  for (let change = random.below(6); change >= 0; change -= 1) {
    const name = `r${random.below(12)}@file`;
    changes.set(name, random.chance(0.7) ? routerResource(name, random.below(1_000)) : undefined);
  }
  return {
    upserts: [...changes.values()].filter((resource) => resource !== undefined),
    removals: [...changes]
      .filter(([, r]) => r === undefined)
      .map(([name]) => ({ kind: router, name })),
  };
}
