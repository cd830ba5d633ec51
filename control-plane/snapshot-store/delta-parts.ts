import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";

/** Applied in well under a millisecond. */
const partChanges = 200;

/** A delta as several that do the same one after the other: removals first, as in one. */
export function* deltaParts({ upserts, removals }: SnapshotDelta): Generator<SnapshotDelta> {
  for (let at = 0; at < removals.length; at += partChanges) {
    yield { upserts: [], removals: removals.slice(at, at + partChanges) };
  }
  for (let at = 0; at < upserts.length; at += partChanges) {
    yield { upserts: upserts.slice(at, at + partChanges), removals: [] };
  }
}
