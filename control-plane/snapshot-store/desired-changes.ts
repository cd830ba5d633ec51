import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { CommittedLookup } from "./commit-guard.ts";

interface DesiredChange {
  readonly key: ResourceKey;
  /** Absent: it is to go. */
  readonly resource: Resource | undefined;
}

/** Which of the removals have to wait longer. */
type Admission = (removals: readonly ResourceKey[]) => ReadonlySet<string>;

const admitAll: Admission = () => new Set();

/**
 * What is desired, as difference to what is committed: a merged delta, newest value wins. A part of it can be in flight
 * (being committed); what is published meanwhile waits beside it, and what is held back waits until it is released.
 */
export class DesiredChanges {
  readonly #waiting = new Map<string, DesiredChange>();
  /** Removals that were not admitted. */
  readonly #heldBack = new Map<string, DesiredChange>();
  readonly #onWithdrawn: (id: string) => void;
  #inFlight = new Map<string, DesiredChange>();

  /** `onWithdrawn`: a removal that was held back is not wished any more. */
  constructor(onWithdrawn: (id: string) => void = () => {}) {
    this.#onWithdrawn = onWithdrawn;
  }

  add({ upserts, removals }: SnapshotDelta): void {
    for (const resource of upserts) this.set(resource, resource);
    for (const key of removals) this.set(key, undefined);
  }

  set({ kind, name }: ResourceKey, resource: Resource | undefined): void {
    const key = { kind, name };
    const id = resourceId(key);
    if (this.#heldBack.has(id)) {
      if (resource === undefined) return;
      this.withdraw(id);
    }
    this.#waiting.set(id, { key, resource });
  }

  /** Something is to be admitted and committed. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  has(id: string): boolean {
    return this.#waiting.has(id) || this.#inFlight.has(id) || this.#heldBack.has(id);
  }

  /** What was held back has happened, or is not wished any more. */
  withdraw(id: string): void {
    if (this.#heldBack.delete(id)) this.#onWithdrawn(id);
  }

  /** They are to be admitted anew; without ids all that is held back. */
  release(ids: Iterable<string> = [...this.#heldBack.keys()]): void {
    for (const id of ids) {
      const change = this.#heldBack.get(id);
      if (change === undefined) continue;
      this.#heldBack.delete(id);
      this.#waiting.set(id, change);
    }
  }

  /** Moves what waits, is admitted and differs from what is committed into flight; absent when nothing does. */
  take(committed: CommittedLookup, admit: Admission = admitAll): SnapshotDelta | undefined {
    const upserts: Resource[] = [];
    let removals: ResourceKey[] = [];
    for (const [id, { key, resource }] of this.#waiting) {
      if (isSame(resource, committed(id))) this.#waiting.delete(id);
      else if (resource === undefined) removals.push(key);
      else upserts.push(resource);
    }
    if (removals.length > 0) removals = this.#admitted(removals, admit(removals));
    if (this.#waiting.size === 0) return undefined;
    this.#inFlight = new Map(this.#waiting);
    this.#waiting.clear();
    return { upserts, removals };
  }

  #admitted(removals: ResourceKey[], refused: ReadonlySet<string>): ResourceKey[] {
    if (refused.size === 0) return removals;
    for (const id of refused) {
      const change = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (change !== undefined) this.#heldBack.set(id, change);
    }
    return removals.filter((key) => !refused.has(resourceId(key)));
  }

  /** What was in flight is committed. */
  settle(): void {
    this.#inFlight = new Map();
  }

  /** What was in flight was not committed: it waits again, except where something newer waits already. */
  putBack(): void {
    for (const [id, change] of this.#inFlight) {
      if (!this.#waiting.has(id)) this.#waiting.set(id, change);
    }
    this.#inFlight = new Map();
  }

  /** Makes the difference one to nothing: everything that is desired waits. */
  holdAll(committed: Iterable<Resource>): void {
    this.putBack();
    this.release();
    for (const resource of committed) {
      if (!this.#waiting.has(resourceId(resource))) this.set(resource, resource);
    }
  }

  /** The reverse, against another state: what it has and nobody desires is to go. */
  compareWith(committed: Iterable<Resource>): void {
    for (const resource of committed) {
      const id = resourceId(resource);
      const change = this.#waiting.get(id);
      if (change === undefined) this.set(resource, undefined);
      else if (isSame(change.resource, resource)) this.#waiting.delete(id);
    }
  }
}

export function isSame(a: Resource | undefined, b: Resource | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a.hash, b.hash) === 0;
}
