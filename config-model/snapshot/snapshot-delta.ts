import type { Resource, ResourceKey } from "./resource.ts";

/**
 * Part of a snapshot's change. No key occurs twice. A whole snapshot never has a type of its own: it is a sequence of
 * deltas ended by a mark, so that every stage's work is proportional to what it is handed.
 */
export interface SnapshotDelta {
  readonly upserts: readonly Resource[];
  readonly removals: readonly ResourceKey[];
}
