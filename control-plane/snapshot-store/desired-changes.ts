import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";

interface DesiredChange {
  readonly key: ResourceKey;
  /** Absent: it is to go. */
  readonly resource: Resource | undefined;
}

/** Finds what is committed, by `resourceId()`. */
type Lookup = (id: string) => Resource | undefined;

/**
 * What is desired, as difference to what is committed: a merged delta, newest value wins. A part of it can be in flight
 * (being committed); what is published meanwhile waits beside it.
 */
export class DesiredChanges {
  readonly #waiting = new Map<string, DesiredChange>();
  #inFlight = new Map<string, DesiredChange>();

  add({ upserts, removals }: SnapshotDelta): void {
    for (const resource of upserts) this.set(resource, resource);
    for (const key of removals) this.set(key, undefined);
  }

  set({ kind, name }: ResourceKey, resource: Resource | undefined): void {
    const key = { kind, name };
    this.#waiting.set(resourceId(key), { key, resource });
  }

  has(id: string): boolean {
    return this.#waiting.has(id) || this.#inFlight.has(id);
  }

  /** Moves what waits and differs from what is committed into flight; absent when nothing does. */
  take(committed: Lookup): SnapshotDelta | undefined {
    const upserts: Resource[] = [];
    const removals: ResourceKey[] = [];
    for (const [id, { key, resource }] of this.#waiting) {
      if (isSame(resource, committed(id))) this.#waiting.delete(id);
      else if (resource === undefined) removals.push(key);
      else upserts.push(resource);
    }
    if (this.#waiting.size === 0) return undefined;
    this.#inFlight = new Map(this.#waiting);
    this.#waiting.clear();
    return { upserts, removals };
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
