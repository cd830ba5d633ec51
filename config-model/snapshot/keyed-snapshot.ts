import type { Resource, ResourceKey } from "./resource.ts";
import { resourceId } from "./resource.ts";
import type { SnapshotDelta } from "./snapshot-delta.ts";
import { SnapshotDigest } from "./snapshot-digest.ts";

/** What a delta replaced, oldest first. Valid until the next change to the snapshot it came from. */
export type UndoLog = readonly {
  readonly key: ResourceKey;
  readonly before: Resource | undefined;
}[];

/**
 * The resources of a snapshot by key, changed in place. Copying 100,000 entries for each change would cost more than
 * everything else about it, so a change that turns out wrong is taken back through its undo log instead.
 */
export class KeyedSnapshot {
  readonly #resources = new Map<string, Resource>();
  readonly #digest = new SnapshotDigest();

  get size(): number {
    return this.#resources.size;
  }

  /** `id` is `resourceId()` of a key. */
  get(id: string): Resource | undefined {
    return this.#resources.get(id);
  }

  /** In no particular order. */
  resources(): Iterable<Resource> {
    return this.#resources.values();
  }

  /** Removing what is not there changes nothing. */
  apply(delta: SnapshotDelta): UndoLog {
    const undo: { key: ResourceKey; before: Resource | undefined }[] = [];
    for (const key of delta.removals) {
      const before = this.#set(key, undefined);
      if (before !== undefined) undo.push({ key, before });
    }
    for (const resource of delta.upserts) {
      undo.push({ key: resource, before: this.#set(resource, resource) });
    }
    return undo;
  }

  undo(log: UndoLog): void {
    for (const { key, before } of log.toReversed()) this.#set(key, before);
  }

  /** Root hash (docs/protocol.md). The same array until something changes; not to be written to. */
  digest(): Uint8Array {
    return this.#digest.root();
  }

  /** Returns what was there. */
  #set(key: ResourceKey, resource: Resource | undefined): Resource | undefined {
    const id = resourceId(key);
    const before = this.#resources.get(id);
    if (before !== undefined) this.#digest.remove(before);
    if (resource === undefined) {
      this.#resources.delete(id);
    } else {
      this.#resources.set(id, resource);
      this.#digest.add(resource);
    }
    return before;
  }
}
