/**
 * Compiles changes of the merged dynamic configuration into changes of a snapshot (stage 4). Pure: no I/O, no clock, no
 * randomness; all state is what the changes so far left behind, kept by key and changed in place.
 *
 * For every sequence of changes the result equals compiling the final configuration from nothing, byte for byte, where
 * an object with a mistake counts with its last good content. The work for a change is that of the objects it touches:
 * itself, and those that refer to what came or went (late binding: nothing contains what it refers to).
 *
 * A batch goes through these steps: entry points, and the routers for which they make a difference; own content of
 * every other changed object; who is included; what there is to say; the difference to what was published.
 */

import type { SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf, resourceKindOf } from "../../config-model/snapshot/resource-kind.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { errorText } from "../../foundation/error-text.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { WatchedChange } from "../watcher/watched-change.ts";
import { compileObject } from "./compile-object.ts";
import {
  type Body,
  type CompiledContent,
  type EntryPointSelection,
  invalid,
  type Problem,
} from "./compiled-content.ts";
import { type CompiledObject, createCompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";
import { diagnoseChanges, type ObjectDiagnostics } from "./diagnose-changes.ts";
import { EntryPointTable } from "./entry-point-table.ts";
import { ObjectGraph } from "./object-graph.ts";
import {
  decodeBody,
  encodeResource,
  entryPointsOf,
  requiredObjects,
  withEntryPoints,
} from "./resource-body.ts";
import type { ProviderPrecedence } from "./router-priority.ts";

export interface CompiledChange {
  readonly delta: SnapshotDelta;
  /** Of the objects whose diagnostics changed. */
  readonly diagnostics: readonly ObjectDiagnostics[];
}

export interface SnapshotCompilerInit {
  readonly precedence: ProviderPrecedence;
}

/** What one call of `apply` has found so far. */
interface Batch {
  /** Objects with another content, or bound to other entry points. */
  readonly changed: Set<CompiledObject>;
  readonly deleted: CompiledObject[];
  /** Objects that require something else than before. */
  readonly rewired: CompiledObject[];
  /** Objects whose source was read again. */
  readonly read: CompiledObject[];
}

export class SnapshotCompiler {
  readonly #precedence: ProviderPrecedence;
  readonly #graph = new ObjectGraph();
  readonly #entryPoints = new EntryPointTable();
  /** Not settled yet: the first batch does it. */
  #carried = new Set<CompiledObject>();

  constructor({ precedence }: SnapshotCompilerInit) {
    this.#precedence = precedence;
  }

  /**
   * Takes over what the newest committed generation holds as the last good content of its objects, in as many parts as
   * it comes in, and what is committed later. Before the first `apply` only. Resources of kinds this program does not
   * know are left alone.
   */
  carryOver({ upserts, removals }: SnapshotDelta): void {
    for (const resource of [...removals, ...upserts]) {
      const key = objectKeyOf(resource);
      const object = key && this.#graph.get(objectId(key));
      if (object !== undefined) this.#forget(object);
    }
    for (const resource of upserts) this.#carry(resource);
  }

  /** No key occurs twice in `changes`. */
  apply(changes: readonly WatchedChange[]): CompiledChange {
    const batch = this.#openBatch();
    // Entry points first, so that every router is bound once, when it is compiled.
    const isEntryPoint = ({ key }: WatchedChange) => key.kind === "entryPoint";
    for (const change of changes) if (isEntryPoint(change)) this.#takeIn(change, batch);
    this.#bindAffected(batch);
    for (const change of changes) if (!isEntryPoint(change)) this.#takeIn(change, batch);
    const flipped = this.#graph.settle(batch.changed, batch.deleted);
    const diagnostics = diagnoseChanges(this.#graph, { ...batch, flipped });
    return { delta: this.#publish(batch, flipped), diagnostics };
  }

  /** Where an operator finds the object a resource comes from: what a rejection of it is joined with. */
  sourceOf(resource: ResourceKey): SourcePosition | undefined {
    const key = objectKeyOf(resource);
    return key === undefined ? undefined : this.#graph.get(objectId(key))?.source?.source;
  }

  #carry(resource: Resource): void {
    const key = objectKeyOf(resource);
    if (key === undefined) return;
    const object = createCompiledObject(objectId(key), key);
    object.inUse = { kind: "carried", resource };
    object.compiled = resource;
    object.published = resource;
    this.#graph.add(object);
    this.#carried.add(object);
    const body = decodeBody(resource.payload);
    if (body !== undefined) this.#wire(object, requiredObjects(body), entryPointsOf(body));
    if (key.kind === "entryPoint") this.#entryPoints.set(key.name, false);
  }

  #openBatch(): Batch {
    const batch: Batch = {
      changed: this.#carried,
      deleted: [],
      rewired: [],
      read: [],
    };
    this.#carried = new Set();
    return batch;
  }

  #takeIn({ key, object: source }: WatchedChange, batch: Batch): void {
    const id = objectId(key);
    let object = this.#graph.get(id);
    if (source === undefined) {
      if (object !== undefined) this.#delete(object, batch);
      return;
    }
    if (object === undefined) {
      object = createCompiledObject(id, key);
      this.#graph.add(object);
    }
    const before = object.source;
    object.source = source;
    batch.read.push(object);
    if (source.config === undefined) object.contentProblems = [];
    else if (source.config !== before?.config) this.#compile(object, batch);
  }

  #delete(object: CompiledObject, batch: Batch): void {
    this.#forget(object);
    batch.changed.delete(object);
    batch.deleted.push(object);
  }

  #forget(object: CompiledObject): void {
    this.#entryPoints.select(object.id, object.entryPoints, undefined);
    if (object.key.kind === "entryPoint") this.#entryPoints.set(object.key.name, undefined);
    this.#graph.delete(object);
    this.#carried.delete(object);
  }

  /** A mistake leaves everything but the list of problems as it was. */
  #compile(object: CompiledObject, batch: Batch): void {
    const config = object.source?.config;
    if (config === undefined) return;
    const { content, resource } = this.#compileOwn(object.key, config);
    object.contentProblems = content.problems;
    if (content.kind === "invalid") return;
    object.inUse = { kind: "config", config };
    batch.changed.add(object);
    if (object.key.kind === "entryPoint") {
      const asDefault = config.kind === "entryPoint" && config.asDefault;
      this.#entryPoints.set(object.key.name, content.kind === "usable" ? asDefault : undefined);
    }
    const required = content.kind === "usable" ? requiredObjects(content.body) : [];
    if (!sameItems(required, object.required)) batch.rewired.push(object);
    const entryPoints = content.kind === "usable" ? content.entryPoints : undefined;
    this.#wire(object, required, entryPoints);
    if (content.kind === "usable" && entryPoints !== undefined) {
      this.#bind(object, entryPoints, content.body);
    } else {
      object.entryPointProblems = [];
      object.compiled = keepEqual(resource, object);
    }
  }

  /**
   * The resource is absent for routers, which are encoded when they are bound to entry points. Whatever goes wrong with
   * one object is that object's mistake: the batch goes on.
   */
  #compileOwn(
    key: ObjectKey,
    config: DynamicObject,
  ): { readonly content: CompiledContent; readonly resource?: Resource } {
    try {
      const content = compileObject(key, config, this.#precedence);
      const kind = resourceKindOf(key.kind);
      if (content.kind !== "usable" || content.entryPoints !== undefined || kind === undefined) {
        return { content };
      }
      return { content, resource: encodeResource(kind, key.name, content.body) };
    } catch (error) {
      const reason = errorText(error);
      return { content: invalid("invalid-value", `Cannot use ${describeObject(key)}: ${reason}`) };
    }
  }

  #wire(
    object: CompiledObject,
    required: readonly string[],
    entryPoints: EntryPointSelection | undefined,
  ): void {
    this.#graph.setRequired(object, required);
    this.#entryPoints.select(object.id, object.entryPoints, entryPoints);
    object.entryPoints = entryPoints;
  }

  /** Routers for which changed entry points make a difference, and those just carried over. */
  #bindAffected(batch: Batch): void {
    for (const id of this.#entryPoints.takeAffectedRouters()) {
      const router = this.#graph.get(id);
      if (router !== undefined) batch.changed.add(router);
    }
    for (const object of batch.changed) {
      if (object.entryPoints === undefined) continue;
      this.#bind(object, object.entryPoints, this.#bodyInUse(object));
    }
  }

  #bind(router: CompiledObject, selection: EntryPointSelection, body: Body | undefined): void {
    const { names, unknown } = this.#entryPoints.bind(selection);
    router.entryPointProblems = entryPointProblems(router.key, names, unknown);
    const kind = resourceKindOf(router.key.kind);
    if (names.length === 0 || kind === undefined || body === undefined) {
      router.compiled = undefined;
      return;
    }
    // What was carried over keeps its bytes for as long as they say the right thing.
    const { inUse } = router;
    if (inUse.kind === "carried" && selection !== "default" && sameItems(selection, names)) {
      router.compiled = inUse.resource;
      return;
    }
    router.compiled = keepEqual(
      encodeResource(kind, router.key.name, withEntryPoints(body, names)),
      router,
    );
  }

  /** Bodies are not kept: bytes are smaller, and entry points change seldom. */
  #bodyInUse({ key, inUse }: CompiledObject): Body | undefined {
    switch (inUse.kind) {
      case "none":
        return undefined;
      case "carried":
        return decodeBody(inUse.resource.payload);
      case "config": {
        const content = compileObject(key, inUse.config, this.#precedence);
        return content.kind === "usable" ? content.body : undefined;
      }
    }
  }

  #publish(batch: Batch, flipped: ReadonlySet<CompiledObject>): SnapshotDelta {
    const upserts: Resource[] = [];
    const removals: ResourceKey[] = [];
    for (const { published } of batch.deleted) {
      if (published !== undefined) removals.push({ kind: published.kind, name: published.name });
    }
    for (const object of batch.changed.union(flipped)) {
      const { published } = object;
      const next = object.included ? object.compiled : undefined;
      object.published = next;
      if (next !== undefined) {
        if (next !== published) upserts.push(next);
      } else if (published !== undefined) {
        removals.push({ kind: published.kind, name: published.name });
      }
    }
    return { upserts, removals };
  }
}

/** The resource there was before, when the new one says the same: equal content is the same object everywhere. */
function keepEqual(
  resource: Resource | undefined,
  { published, compiled }: CompiledObject,
): Resource | undefined {
  if (resource === undefined) return undefined;
  for (const before of [published, compiled]) {
    if (before !== undefined && Buffer.compare(before.hash, resource.hash) === 0) return before;
  }
  return resource;
}

function entryPointProblems(
  key: ObjectKey,
  names: readonly string[],
  unknown: readonly string[],
): readonly Problem[] {
  if (names.length === 0 && unknown.length === 0) {
    return [
      {
        severity: "error",
        code: "unknown-reference",
        message: `Cannot use ${describeObject(key)}: it names no entry point, and there are no default ones`,
      },
    ];
  }
  const severity = names.length === 0 ? "error" : "warning";
  return unknown.map((name) => ({
    severity,
    code: "unknown-reference",
    message:
      severity === "error"
        ? `Cannot use ${describeObject(key)}: entry point "${shownText(name)}" does not exist`
        : `Cannot use entry point "${shownText(name)}" for ${describeObject(key)}: it does not exist`,
  }));
}

function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((item, index) => item === a[index]);
}
