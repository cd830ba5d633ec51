import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";

/** Finds what is committed, by `resourceId()`. */
export type CommittedLookup = (id: string) => Resource | undefined;

/**
 * What stands between what is desired and what is committed: it may make removals wait. Only a leader's publisher asks it;
 * every replica tells it what is committed. Ids are `resourceId()`.
 */
export interface CommitGuard {
  /** The committed state is read anew. */
  reset(): void;
  /** Read from the store. */
  loaded(resources: readonly Resource[]): void;
  /** About to count as committed; `before` still shows the state it changes. */
  committing(delta: SnapshotDelta, before: CommittedLookup): void;
  /** Leadership is gained: everything that is desired is admitted anew. */
  restart(): void;
  /** Ids of those that have to wait. */
  admit(removals: readonly ResourceKey[], committed: CommittedLookup): ReadonlySet<string>;
  /** What waited is wanted again, or another process has removed it. */
  withdrawn(id: string): void;
  /** Nothing else is left to be committed. */
  settled(): void;
  /** Calls back with what need not wait any longer. */
  onRelease(listener: (ids: readonly string[]) => void): void;
}
