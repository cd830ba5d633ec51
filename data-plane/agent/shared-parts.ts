import { ChangeListParts } from "../../config-model/snapshot/change-list-codec.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";

/**
 * A copy in shared memory: posting it to several workers shares these bytes, where an ordinary array would be cloned for
 * each (and its whole underlying buffer with it).
 */
export function sharedCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  copy.set(bytes);
  return copy;
}

/** The delta as encoded `ChangeList`s in shared memory, each made when it is asked for. */
export function* sharedParts(delta: SnapshotDelta): Generator<Uint8Array> {
  for (const part of new ChangeListParts(delta)) yield sharedCopy(part);
}
