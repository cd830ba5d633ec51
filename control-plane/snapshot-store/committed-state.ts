import type { Generation } from "../../config-model/snapshot/generation.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { StoreHead } from "./snapshot-store.ts";

/** A state as its holder names it: both must be right for a delta to build on it. */
export interface HeldState {
  readonly generation: Generation;
  readonly digest: Uint8Array;
}

/** The newest committed generation, as the stream reads it. Never shows what is not committed. */
export interface CommittedState {
  /** Absent until the store has been read whole, and while it is read again. */
  readonly head: StoreHead | undefined;
  /** `id` is `resourceId()` of a key. */
  get(id: string): Resource | undefined;
  /**
   * What leads from `base` to the head, work in proportion to what changed between them; absent when `base` is no state
   * this process remembers.
   */
  deltaSince(base: HeldState): SnapshotDelta | undefined;
  /** Everything, as upserts; the resources in it stay as they are whatever is committed later. */
  full(): SnapshotDelta;
  /** Called after every change of `head`. Returns what ends it. */
  onChange(listener: () => void): () => void;
}
