/**
 * The committed resources of this process, fed by the store's reader. One commit can be prepared: applied in place, so
 * that its digest is known and confirming it costs nothing more, while everything read meanwhile still shows the state
 * before it.
 */
import { compareGenerations } from "../../config-model/snapshot/generation.ts";
import { KeyedSnapshot, type UndoLog } from "../../config-model/snapshot/keyed-snapshot.ts";
import { type Resource, resourceId } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { TurnSlice } from "../../foundation/turn-slice.ts";
import { ChangeHistory } from "./change-history.ts";
import type { CommittedState, HeldState } from "./committed-state.ts";
import { deltaParts } from "./delta-parts.ts";
import type { CommittedGeneration, PastStep, StoreHead } from "./snapshot-store.ts";

/** About 20 MB of names at the most. */
const maxHistoryKeys = 200_000;
/** Longest turn of preparing. */
const sliceMs = 5;

interface PreparedCommit {
  /** Absent while it is worked out. */
  digest: Uint8Array | undefined;
  /** Of as much of it as has been applied. */
  readonly undo: UndoLog[number][];
  /** Committed values of the keys it touches. */
  readonly before: Map<string, Resource | undefined>;
}

/** What the store says it holds is not what it gave: its bytes, or this process, are damaged. */
class DigestMismatchError extends Error {
  override readonly name = "DigestMismatchError";
}

/** While it was prepared something else was committed, or the store is read anew. */
export class PreparationAbandonedError extends Error {
  override readonly name = "PreparationAbandonedError";
}

export class CommittedSnapshot implements CommittedState {
  #resources = new KeyedSnapshot();
  readonly #history: ChangeHistory;
  readonly #listeners = new Set<() => void>();
  /** As the store remembers, until its head is read. */
  #past: readonly PastStep[] = [];
  #head: StoreHead | undefined;
  #prepared: PreparedCommit | undefined;

  constructor(historyKeys: number = maxHistoryKeys) {
    this.#history = new ChangeHistory(historyKeys);
  }

  get head(): StoreHead | undefined {
    return this.#head;
  }

  get(id: string): Resource | undefined {
    const before = this.#prepared?.before;
    return before?.has(id) === true ? before.get(id) : this.#resources.get(id);
  }

  *resources(): Generator<Resource> {
    const before = this.#prepared?.before;
    if (before === undefined) {
      yield* this.#resources.resources();
      return;
    }
    for (const resource of this.#resources.resources()) {
      if (!before.has(resourceId(resource))) yield resource;
    }
    for (const resource of before.values()) if (resource !== undefined) yield resource;
  }

  deltaSince(base: HeldState): SnapshotDelta | undefined {
    const keys = this.#history.since(base);
    if (keys === undefined) return undefined;
    const upserts: Resource[] = [];
    const removals = keys.filter((key) => {
      const resource = this.get(resourceId(key));
      if (resource !== undefined) upserts.push(resource);
      return resource === undefined;
    });
    return { upserts, removals };
  }

  full(): SnapshotDelta {
    return { upserts: [...this.resources()], removals: [] };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A part of the state being read. */
  load(part: SnapshotDelta): void {
    this.#resources.apply(part);
  }

  /** What led to the state being read. */
  loadHistory(steps: readonly PastStep[]): void {
    this.#past = steps;
  }

  /** The state has been read. Throws `DigestMismatchError`; nothing is offered then. */
  finishLoading(head: StoreHead): void {
    const { generation, digest } = head;
    if (digest !== undefined) this.#expect(digest, generation?.number ?? 0n);
    this.#head = head;
    const start = generation && digest && { generation, digest };
    const newest = this.#past.at(-1);
    if (start !== undefined && newest !== undefined && isSameState(newest, start)) {
      this.#history.resume(this.#past);
    } else {
      this.#history.restart(start);
    }
    this.#past = [];
    this.#changed();
  }

  /** The store is read anew. */
  reset(): void {
    this.#resources = new KeyedSnapshot();
    this.#prepared = undefined;
    this.#past = [];
    this.#head = undefined;
    this.#history.restart(undefined);
    this.#changed();
  }

  /**
   * Digest of the state after `delta`, which is applied in several turns when it is large; one at a time, until `commit()`,
   * `abandon()` or `reset()`. Rejects with `PreparationAbandonedError` when one of these comes first.
   */
  async prepare(delta: SnapshotDelta): Promise<Uint8Array> {
    this.abandon();
    const prepared: PreparedCommit = { digest: undefined, undo: [], before: new Map() };
    this.#prepared = prepared;
    const slice = new TurnSlice(sliceMs);
    for (const part of deltaParts(delta)) {
      for (const change of this.#resources.apply(part)) {
        prepared.undo.push(change);
        const id = resourceId(change.key);
        if (!prepared.before.has(id)) prepared.before.set(id, change.before);
      }
      if (!slice.isSpent) continue;
      await slice.next();
      if (this.#prepared !== prepared) throw new PreparationAbandonedError("The state is another");
    }
    prepared.digest = this.#resources.digest();
    return prepared.digest;
  }

  /** Whether `digest` is that of the prepared commit. */
  isPrepared(digest: Uint8Array): boolean {
    const prepared = this.#prepared?.digest;
    return prepared !== undefined && Buffer.compare(prepared, digest) === 0;
  }

  abandon(): void {
    if (this.#prepared === undefined) return;
    this.#resources.undo(this.#prepared.undo);
    this.#prepared = undefined;
  }

  /** Throws `DigestMismatchError`; nothing is offered then, until the store is read anew. */
  commit(commit: CommittedGeneration): void {
    const { generation, digest, delta, sources } = commit;
    if (this.isPrepared(digest)) {
      this.#prepared = undefined; // what was applied is what was committed
    } else {
      this.abandon();
      this.#resources.apply(delta);
      this.#expect(digest, generation.number);
    }
    this.#head = { fleetId: generation.fleetId, generation, digest, sources };
    this.#history.add(commit);
    this.#changed();
  }

  #expect(digest: Uint8Array, number: bigint): void {
    if (Buffer.compare(this.#resources.digest(), digest) === 0) return;
    this.#head = undefined;
    this.#changed();
    throw new DigestMismatchError(
      `Cannot offer generation ${number}: what was read does not have its digest`,
    );
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isSameState(a: HeldState, b: HeldState): boolean {
  const isSameGeneration =
    a.generation.fleetId === b.generation.fleetId &&
    compareGenerations(a.generation, b.generation) === 0;
  return isSameGeneration && Buffer.compare(a.digest, b.digest) === 0;
}
