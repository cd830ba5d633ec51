/**
 * Compiles changes of the merged dynamic configuration into changes of a snapshot (stage 4). Pure: no I/O, no clock, no
 * randomness; all state is what the changes so far left behind, kept by key and changed in place.
 *
 * For every sequence of changes the result equals compiling the final configuration from nothing, byte for byte, where
 * an object with a mistake counts with its last good content. The work for a change is that of the objects it touches:
 * itself, and those that refer to what came or went (late binding: nothing contains what it refers to).
 *
 * A batch goes through these steps: entry points, and the routers for which they make a difference; own content of
 * every other changed object; what routers are bound to; who is included; what there is to say; the difference to what
 * was published.
 */

import type { SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import { bodyHoldsPrivateKey } from "../../config-model/snapshot/private-keys.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { WatchedChange } from "../watcher/watched-change.ts";
import type { Body, CompiledContent, EntryPointSelection } from "./compiled-content.ts";
import { type CompiledObject, createCompiledObject } from "./compiled-object.ts";
import { DefaultTlsObjects } from "./default-tls.ts";
import { diagnoseChanges, type ObjectDiagnostics } from "./diagnose-changes.ts";
import type { EntryPointTraits } from "./entry-point-table.ts";
import { keyOf } from "./lack.ts";
import { ObjectGraph } from "./object-graph.ts";
import { type EncodeResource, isRouter, OwnContentCompiler } from "./own-content.ts";
import { Pace } from "./pace.ts";
import {
  bound,
  decodeBody,
  defaultTlsOnOf,
  encodeResource,
  entryPointsOf,
  givenTlsOf,
  localMiddlewaresOf,
  mentionedObjects,
  parentsOf,
  requiredObjects,
  ruleHosts,
  takesUdp,
  withParents,
} from "./resource-body.ts";
import { RouterBinder } from "./router-binder.ts";
import type { ProviderPrecedence } from "./router-priority.ts";
import { UdpRivals } from "./udp-rivals.ts";

export interface CompiledChange {
  readonly delta: SnapshotDelta;
  /** Of the objects whose diagnostics changed. */
  readonly diagnostics: readonly ObjectDiagnostics[];
}

export interface SnapshotCompilerInit {
  readonly precedence: ProviderPrecedence;
  /** Where nothing is published, and only diagnostics count, resources need no bytes. */
  readonly encode?: EncodeResource;
  /** Objects with a private key are out, and say why. */
  readonly withholdsKeys?: boolean;
}

/** What one call of `apply` has found so far. */
interface Batch {
  /** Objects with another content, or bound to something else. */
  readonly changed: Set<CompiledObject>;
  readonly deleted: CompiledObject[];
  /** Objects that require something else than before. */
  readonly rewired: CompiledObject[];
  /** Objects whose source was read again. */
  readonly read: CompiledObject[];
  /** Of child routers compiled in this batch, which are placed at its end. */
  readonly bodies: Map<CompiledObject, Body>;
}

/** What an object refers to, in ids; `entryPoints` for routers at a root. */
interface Wiring {
  readonly required: readonly string[];
  readonly mentioned: readonly string[];
  readonly parents: readonly string[];
  readonly handsOver: boolean;
  readonly entryPoints: EntryPointSelection | undefined;
}

export class SnapshotCompiler {
  readonly #own: OwnContentCompiler;
  readonly #withholdsKeys: boolean;
  readonly #graph = new ObjectGraph();
  readonly #binder = new RouterBinder();
  readonly #defaultTls = new DefaultTlsObjects();
  readonly #udpRivals = new UdpRivals();
  /** Not settled yet: the first batch does it. */
  #carried = new Set<CompiledObject>();

  constructor({
    precedence,
    encode = encodeResource,
    withholdsKeys = false,
  }: SnapshotCompilerInit) {
    this.#own = new OwnContentCompiler({ precedence, encode, withholdsKeys });
    this.#withholdsKeys = withholdsKeys;
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
    const steps = this.steps(changes);
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
    }
  }

  /** The same, to be interrupted between objects. The steps of one batch come before those of the next. */
  *steps(changes: readonly WatchedChange[]): Generator<void, CompiledChange> {
    const batch = this.#openBatch();
    // Entry points first, so that every router is bound once, when it is compiled.
    const isEntryPoint = ({ key }: WatchedChange) => key.kind === "entryPoint";
    for (const change of changes) if (isEntryPoint(change)) this.#takeIn(change, batch);
    yield* this.#bindAffected(batch);
    for (const change of changes) {
      if (isEntryPoint(change)) continue;
      this.#takeIn(change, batch);
      yield;
    }
    this.#placeChildren(batch);
    this.#settleTls(batch);
    const settled = yield* this.#graph.settle(batch.changed, batch.deleted);
    this.#settleUdp(batch, settled.flipped);
    const diagnostics = yield* diagnoseChanges(this.#graph, { ...batch, ...settled });
    const delta = yield* this.#publish(batch, settled.flipped);
    return { delta, diagnostics };
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
    const body = decodeBody(resource.payload);
    // What is in the place of options that were never good is not good itself.
    const isStandIn = body?.$case === "tlsOptions" && body.value.unusable;
    const isWithheld = this.#withholdsKeys && body !== undefined && bodyHoldsPrivateKey(body);
    if (!isStandIn && !isWithheld) object.inUse = { kind: "carried", resource };
    object.compiled = isWithheld ? undefined : resource;
    object.published = resource;
    this.#add(object);
    this.#carried.add(object);
    if (body !== undefined) this.#wire(object, wiringOf(body, entryPointsOf(body)));
    if (key.kind === "entryPoint") {
      this.#binder.setEntryPoint(key.name, traitsOf(body, false));
    }
  }

  #openBatch(): Batch {
    const batch: Batch = {
      changed: this.#carried,
      deleted: [],
      rewired: [],
      read: [],
      bodies: new Map(),
    };
    this.#carried = new Set();
    return batch;
  }

  #takeIn({ id, key, object: source }: WatchedChange, batch: Batch): void {
    let object = this.#graph.get(id);
    if (source === undefined) {
      if (object !== undefined) this.#delete(object, batch);
      return;
    }
    if (object === undefined) {
      object = createCompiledObject(id, key);
      this.#add(object);
    }
    const before = object.source;
    object.source = source;
    batch.read.push(object);
    if (source.config === undefined) {
      object.contentProblems = [];
      this.#standIn(object, batch);
    } else if (source.config !== before?.config) this.#compile(object, batch);
  }

  #add(object: CompiledObject): void {
    this.#graph.add(object);
    this.#defaultTls.add(object);
  }

  #delete(object: CompiledObject, batch: Batch): void {
    this.#forget(object);
    batch.changed.delete(object);
    batch.deleted.push(object);
  }

  #forget(object: CompiledObject): void {
    this.#binder.select(object, undefined);
    if (object.key.kind === "entryPoint") {
      this.#binder.setEntryPoint(object.key.name, undefined);
    }
    this.#graph.delete(object);
    this.#defaultTls.delete(object);
    this.#carried.delete(object);
  }

  /** A mistake leaves everything but the list of problems as it was. */
  #compile(object: CompiledObject, batch: Batch): void {
    const config = object.source?.config;
    if (config === undefined) return;
    const { content, resource } = this.#own.compile(object.key, config);
    object.contentProblems = content.problems;
    if (content.kind === "invalid") {
      this.#standIn(object, batch);
      return;
    }
    object.inUse = { kind: "config", config };
    batch.changed.add(object);
    if (config.kind === "entryPoint") this.#setEntryPoint(object.key.name, config, content);
    const wiring = contentWiring(content);
    if (!sameItems(wiring.required, object.required)) batch.rewired.push(object);
    this.#wire(object, wiring);
    if (wiring.entryPoints !== undefined) this.#bind(object, wiring.entryPoints, content);
    else if (content.kind === "usable" && isRouter(object.key)) {
      batch.bodies.set(object, content.body);
    } else object.compiled = keepEqual(resource ?? this.#own.standIn(object.key), object);
  }

  /** For an object that must not be missing and has never been good. */
  #standIn(object: CompiledObject, batch: Batch): void {
    if (object.inUse.kind !== "none") return;
    const resource = this.#own.standIn(object.key);
    if (resource === undefined) return;
    object.compiled = keepEqual(resource, object);
    batch.changed.add(object);
  }

  #setEntryPoint(name: string, config: EntryPointConfig, content: CompiledContent): void {
    const { asDefault, protocol } = config;
    if (content.kind === "usable") {
      this.#binder.setEntryPoint(name, traitsOf(content.body, asDefault));
    } else if (asDefault && protocol === "tcp") this.#binder.setClosedDefault(name);
    else this.#binder.setEntryPoint(name, undefined);
  }

  #wire(object: CompiledObject, wiring: Wiring): void {
    const { required, mentioned, parents, handsOver, entryPoints } = wiring;
    this.#graph.setRequired(object, required, mentioned);
    if (object.key.kind === "httpRouter") this.#graph.tree.setParents(object.id, parents);
    this.#binder.select(object, entryPoints);
    object.entryPoints = entryPoints;
    object.handsOver = handsOver;
    object.entryPointProblems = [];
    object.tlsProblems = [];
    object.defaultTlsOn = [];
  }

  /** Routers for which changed entry points make a difference, and those just carried over. */
  *#bindAffected(batch: Batch): Generator<void, void> {
    for (const id of this.#binder.takeAffectedRouters()) {
      const router = this.#graph.get(id);
      if (router !== undefined) batch.changed.add(router);
    }
    for (const object of batch.changed) {
      if (object.entryPoints === undefined) continue;
      this.#bind(object, object.entryPoints, this.#own.inUse(object));
      yield;
    }
  }

  #bind(
    router: CompiledObject,
    selection: EntryPointSelection,
    content: CompiledContent | undefined,
  ): void {
    const body = content?.kind === "usable" ? content.body : undefined;
    const tls = content?.kind === "invalid" ? undefined : content?.tls;
    const { key, id } = router;
    const hosts = () => (body === undefined ? [] : ruleHosts(body));
    const { names, given, problems } = this.#binder.bind({ key, id, selection, tls, hosts });
    router.entryPointProblems = problems;
    if (given.length > 0 || router.mentioned.length > 0) {
      this.#graph.setRequired(router, router.required, given);
    }
    this.#encodeRouter(router, body, names);
  }

  #encodeRouter(router: CompiledObject, body: Body | undefined, names: readonly string[]): void {
    if (names.length === 0 || body === undefined) {
      router.compiled = undefined;
      return;
    }
    const { key, inUse, defaultTlsOn } = router;
    // What was carried over keeps its bytes for as long as they say the right thing.
    if (inUse.kind === "carried" && sameItems(defaultTlsOnOf(body), defaultTlsOn)) {
      const carriedNames = entryPointsOf(body);
      if (Array.isArray(carriedNames) && sameItems(carriedNames, names)) {
        router.compiled = inUse.resource;
        return;
      }
    }
    router.compiled = keepEqual(this.#own.encode(key, bound(body, names, defaultTlsOn)), router);
  }

  /** Child routers go behind their parents, once it is known which of them close a loop. */
  #placeChildren(batch: Batch): void {
    const { tree } = this.#graph;
    for (const id of tree.settle()) {
      const router = this.#graph.get(id);
      if (router === undefined) continue;
      batch.changed.add(router);
      if (tree.parentsAskedBy(id).length > 0) this.#placeChild(router, batch.bodies.get(router));
    }
  }

  #placeChild(router: CompiledObject, known: Body | undefined): void {
    const content = known === undefined ? this.#own.inUse(router) : undefined;
    const body = content?.kind === "usable" ? content.body : known;
    if (body === undefined) {
      router.compiled = undefined;
      return;
    }
    const parents = this.#graph.tree.parentsOf(router.id).map((id) => keyOf(id).name);
    router.compiled = keepEqual(this.#own.encode(router.key, withParents(body, parents)), router);
  }

  /** Once every router of the batch is bound: which TLS options they have, and whose are the default ones. */
  #settleTls(batch: Batch): void {
    for (const id of this.#binder.takeTlsAffected()) {
      const router = this.#graph.get(id);
      if (router?.entryPoints === undefined) continue;
      const { defaultOn, problems } = this.#binder.settledTls(router.key, id);
      router.tlsProblems = problems;
      batch.changed.add(router);
      if (sameItems(defaultOn, router.defaultTlsOn)) continue;
      router.defaultTlsOn = defaultOn;
      const content = this.#own.inUse(router);
      const body = content?.kind === "usable" ? content.body : undefined;
      this.#encodeRouter(router, body, this.#binder.namesOf(router.key, router.entryPoints));
    }
    for (const [object, problems] of this.#defaultTls.problems()) {
      if (problems.length === 0 && object.tlsProblems.length === 0) continue;
      object.tlsProblems = problems;
      batch.changed.add(object);
    }
  }

  /** Once it is known which routers are sent: who serves on an entry point. */
  #settleUdp(batch: Batch, flipped: readonly CompiledObject[]): void {
    for (const { key, id } of batch.deleted) {
      if (key.kind === "udpRouter") this.#udpRivals.set(id, []);
    }
    for (const objects of [batch.changed, flipped]) {
      for (const { key, id, entryPoints = [], included } of objects) {
        if (key.kind !== "udpRouter") continue;
        this.#udpRivals.set(id, included ? this.#binder.namesOf(key, entryPoints) : []);
      }
    }
    for (const id of this.#udpRivals.takeAffected()) {
      const router = this.#graph.get(id);
      if (router?.entryPoints === undefined) continue;
      const bindings = this.#binder.problemsOf(router.key, router.entryPoints);
      router.entryPointProblems = [...bindings, ...this.#udpRivals.problemsOf(router.key)];
      batch.changed.add(router);
    }
  }

  *#publish(batch: Batch, flipped: readonly CompiledObject[]): Generator<void, SnapshotDelta> {
    const upserts: Resource[] = [];
    const removals: ResourceKey[] = [];
    const pace = new Pace();
    for (const { published } of batch.deleted) {
      if (published !== undefined) removals.push({ kind: published.kind, name: published.name });
    }
    for (const objects of [batch.changed, flipped]) {
      for (const object of objects) {
        if (pace.isPause) yield;
        const { published } = object;
        const next = object.included ? object.compiled : undefined;
        // What is in both sets has become what it is by the second time.
        object.published = next;
        if (next !== undefined) {
          if (next !== published) upserts.push(next);
        } else if (published !== undefined) {
          removals.push({ kind: published.kind, name: published.name });
        }
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

/** `body` absent: of a newer schema, so that nothing is known of it. */
function traitsOf(body: Body | undefined, asDefault: boolean): EntryPointTraits {
  if (body === undefined) {
    return { isUdp: false, asDefault, tlsOptions: undefined, localMiddlewares: [] };
  }
  const isUdp = takesUdp(body);
  return {
    isUdp,
    asDefault,
    tlsOptions: givenTlsOf(body),
    localMiddlewares: localMiddlewaresOf(body),
  };
}

function contentWiring(content: CompiledContent): Wiring {
  if (content.kind === "usable") return wiringOf(content.body, content.entryPoints);
  const { parents = [], entryPoints } = content.kind === "out" ? content : {};
  return { ...nothingWired, parents: parents.map(routerId), entryPoints };
}

const nothingWired: Wiring = {
  required: [],
  mentioned: [],
  parents: [],
  handsOver: false,
  entryPoints: undefined,
};

function wiringOf(body: Body, entryPoints: EntryPointSelection | undefined): Wiring {
  return {
    required: requiredObjects(body),
    mentioned: mentionedObjects(body),
    parents: parentsOf(body).map(routerId),
    handsOver: body.$case === "httpRouter" && body.value.service === "",
    entryPoints,
  };
}

function routerId(name: string): string {
  return objectId({ kind: "httpRouter", name });
}

function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((item, index) => item === a[index]);
}
