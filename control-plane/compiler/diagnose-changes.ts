/**
 * Keeps what there is to say about every object up to date after a batch.
 *
 * It depends on the object itself, on whether what it requires is there, and on why it is not. So besides the objects of
 * the batch these are looked at: referrers of what came, went or is out for another cause; and, as a loop shows at all of
 * its members, everything that is or was out above an object that requires something else than before or was deleted.
 */
import { isDeepStrictEqual } from "node:util";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { diagnoseObject, isFine } from "./diagnose-object.ts";
import type { ObjectGraph } from "./object-graph.ts";
import { isRouter } from "./own-content.ts";
import { Pace } from "./pace.ts";

/** All diagnostics of one object, replacing those reported before; empty when there are none any more. */
export interface ObjectDiagnostics {
  readonly key: ObjectKey;
  readonly diagnostics: readonly Diagnostic[];
}

export interface SettledBatch {
  /** Objects with another content, or bound to other entry points. */
  readonly changed: Iterable<CompiledObject>;
  /** Objects whose source was read again. */
  readonly read: Iterable<CompiledObject>;
  /** Objects that require something else than before. */
  readonly rewired: readonly CompiledObject[];
  readonly deleted: readonly CompiledObject[];
  /** Objects that came in or went out. */
  readonly flipped: readonly CompiledObject[];
  /** Objects that have, or have no longer, all they need below them. */
  readonly completed: readonly CompiledObject[];
}

/** Returns the objects whose diagnostics changed; yields between objects. */
export function* diagnoseChanges(
  graph: ObjectGraph,
  batch: SettledBatch,
): Generator<void, ObjectDiagnostics[]> {
  const before = new Map<CompiledObject, readonly Diagnostic[]>();
  const waiting = yield* suspects(graph, batch);
  for (const object of waiting) {
    waiting.delete(object); // it may come again, for another cause
    yield;
    const { cause, diagnostics } = diagnoseObject(object, graph);
    if (cause !== object.cause) {
      object.cause = cause;
      for (const referrer of graph.referrersOf(object.id)) {
        if (!referrer.included || referrer.mentioned.length > 0) waiting.add(referrer);
      }
      for (const child of graph.childrenOf(object.id)) if (!child.included) waiting.add(child);
    }
    if (diagnostics.length === 0 && object.diagnostics.length === 0) continue;
    if (isDeepStrictEqual(diagnostics, object.diagnostics)) continue;
    if (!before.has(object)) before.set(object, object.diagnostics);
    object.diagnostics = diagnostics;
  }
  const changes: ObjectDiagnostics[] = batch.deleted
    .filter(({ diagnostics }) => diagnostics.length > 0)
    .map(({ key }) => ({ key, diagnostics: [] }));
  for (const [{ key, diagnostics }, earlier] of before) {
    if (!isDeepStrictEqual(diagnostics, earlier)) changes.push({ key, diagnostics });
  }
  return changes;
}

/** Most objects are fine and were: of these there is nothing to say, whatever others have for a cause. */
function isQuiet(object: CompiledObject, graph: ObjectGraph): boolean {
  if (object.cause !== undefined || object.diagnostics.length > 0) return false;
  return isFine(object, graph);
}

function* suspects(graph: ObjectGraph, batch: SettledBatch): Generator<void, Set<CompiledObject>> {
  const { changed, read, rewired, deleted, flipped, completed } = batch;
  const found = new Set<CompiledObject>();
  const pace = new Pace();
  const note = (object: CompiledObject) => {
    if (!isQuiet(object, graph)) found.add(object);
  };
  for (const objects of [changed, read]) {
    for (const object of objects) {
      note(object);
      if (pace.isPause) yield;
    }
  }
  for (const objects of [completed, flipped]) {
    for (const object of objects) {
      if (pace.isPause) yield;
      if (!graph.tree.hasBonds(object.id)) continue;
      note(object);
      for (const relative of graph.relativesOf(object)) note(relative);
    }
  }
  for (const object of flipped) {
    note(object);
    if (pace.isPause) yield;
    if (isRouter(object.key)) continue;
    for (const referrer of graph.referrersOf(object.id)) note(referrer);
  }
  const above = new Set([...rewired, ...deleted].filter(({ key }) => !isRouter(key)));
  if (above.size === 0) return found;
  const cameOrWent = new Set(flipped);
  for (const object of above) {
    yield;
    for (const referrer of graph.referrersOf(object.id)) {
      // What was and is included has nothing but included objects below it, and nothing to say of them.
      if (referrer.included && !cameOrWent.has(referrer)) {
        if (referrer.mentioned.length > 0) note(referrer);
        continue;
      }
      above.add(referrer);
      note(referrer);
    }
  }
  return found;
}
