import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import type { SourceObject } from "../../config-model/dynamic/source-object.ts";
import type { SourceState } from "../../config-model/snapshot/source-digest.ts";

/** One object of the merged dynamic configuration that changed. */
export interface WatchedChange {
  /** `objectId` of the key, made once: with 100,000 objects it is a good part of the work. */
  readonly id: string;
  /** Qualified: `name@provider`, except for entry points and node settings. */
  readonly key: ObjectKey;
  /**
   * Absent: nobody has it any more. When only the place in the source moved, `config` is the same object as before, so
   * that the next stage can tell.
   */
  readonly object: SourceObject | undefined;
}

/**
 * What the watcher hands on (stage 3): changes to be served in one generation. No key occurs twice. There may be none, when
 * only the state of a source changed.
 */
export interface WatchedBatch {
  readonly changes: readonly WatchedChange[];
  /** By provider, of those that tell: what the sources say with these changes, as it is to be named by the generation. */
  readonly sources: ReadonlyMap<string, SourceState>;
}
