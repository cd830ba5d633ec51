import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";

/** Finds what is committed, by `resourceId()`. */
export type CommittedLookup = (id: string) => Resource | undefined;

export type CommitPlace =
  | { readonly kind: "next" }
  | { readonly kind: "at"; readonly at: { readonly epoch: bigint; readonly number: bigint } }
  | { readonly kind: "wait" };

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
  /**
   * Where the next generation has to be, when it is not the next number; `wait`: not known yet, or what it would remove from
   * nodes has to be seen by an operator first.
   */
  place(delta: SnapshotDelta, committed: CommittedLookup): CommitPlace;
  /** Nothing may be committed for now. */
  readonly isWaiting: boolean;
  /** Nothing else is left to be committed. */
  settled(): void;
  /** Calls back with what need not wait any longer; with nothing when only the place of the next commit is known now. */
  onRelease(listener: (ids: readonly string[]) => void): void;
}
