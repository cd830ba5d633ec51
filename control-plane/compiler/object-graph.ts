/**
 * All objects, who refers to whom, and which of them are included in the snapshot. Two conditions, each kept for itself:
 *
 * - An object is *complete* when it has something to serve and everything it requires, transitively, is complete. A loop
 *   is never complete. A router that hands over to child routers needs one of them to be complete, and may not have a
 *   service of its own.
 * - It is *included* when it is complete and, for a child router, one of its parents is included.
 *
 * Kept incrementally in two phases each, which only ever move objects one way, so that they end: first what can no
 * longer be in leaves, and with it its referrers; what remains is consistent. Then what can be in enters, and its
 * referrers are looked at. Only objects whose own state or whose references' state changed are visited.
 */
import type { CompiledObject } from "./compiled-object.ts";
import { Pace } from "./pace.ts";
import { ReferenceIndex } from "./reference-index.ts";
import { RouterTree } from "./router-tree.ts";

export interface Settled {
  /** What came into the snapshot or left it. */
  readonly flipped: readonly CompiledObject[];
  /** What became complete or ceased to be. */
  readonly completed: readonly CompiledObject[];
}

type State = "complete" | "included";

export class ObjectGraph {
  readonly #objects = new Map<string, CompiledObject>();
  readonly #index = new ReferenceIndex();
  readonly tree = new RouterTree((id) => this.#objects.has(id));

  get(id: string): CompiledObject | undefined {
    return this.#objects.get(id);
  }

  add(object: CompiledObject): void {
    this.#objects.set(object.id, object);
    if (object.key.kind === "httpRouter") this.tree.noteExistence(object.id);
  }

  delete(object: CompiledObject): void {
    this.setRequired(object, [], []);
    this.#objects.delete(object.id);
    if (object.key.kind !== "httpRouter") return;
    this.tree.setParents(object.id, []);
    this.tree.noteExistence(object.id);
  }

  /** `mentioned`: what it can do without, and says so when it is not there. */
  setRequired(
    object: CompiledObject,
    required: readonly string[],
    mentioned: readonly string[],
  ): void {
    if (object.required.length > 0 || object.mentioned.length > 0) this.#unlink(object);
    for (const target of required) this.#index.add(target, object.id);
    for (const target of mentioned) this.#index.add(target, object.id);
    object.required = required;
    object.mentioned = mentioned;
  }

  #unlink({ id, required, mentioned }: CompiledObject): void {
    for (const target of required) this.#index.delete(target, id);
    for (const target of mentioned) this.#index.delete(target, id);
  }

  /** Existing objects that require or mention `id`, whether or not it exists. */
  referrersOf(id: string): readonly CompiledObject[] {
    return this.#existing(this.#index.referrersOf(id));
  }

  /** Existing parents and children of a router that it has a bond with. */
  relativesOf({ id }: CompiledObject): readonly CompiledObject[] {
    return [...this.#existing(this.tree.parentsOf(id)), ...this.childrenOf(id)];
  }

  childrenOf(id: string): readonly CompiledObject[] {
    return this.#existing(this.tree.childrenOf(id));
  }

  /** Settles who is included after `changed` objects changed and `deleted` ones left; yields now and then. */
  *settle(
    changed: ReadonlySet<CompiledObject>,
    deleted: readonly CompiledObject[],
  ): Generator<void, Settled> {
    const seeds = new Set(changed);
    for (const { id } of deleted) for (const child of this.childrenOf(id)) seeds.add(child);
    const completed = yield* this.#settleState("complete", seeds, deleted);
    for (const object of completed) seeds.add(object);
    return { flipped: yield* this.#settleState("included", seeds, deleted), completed };
  }

  /** Returns those whose state is not what it was, each once. */
  *#settleState(
    state: State,
    seeds: ReadonlySet<CompiledObject>,
    deleted: readonly CompiledObject[],
  ): Generator<void, readonly CompiledObject[]> {
    const left = yield* this.#leave(seeds, deleted, state);
    const entered = yield* this.#enter(seeds, state);
    if (left.length === 0) return entered;
    // Out and in again is no change.
    const wereIn = new Set(left);
    return [
      ...entered.filter((object) => !wereIn.has(object)),
      ...left.filter((object) => !object[state]),
    ];
  }

  /** The way from `object` back to itself, its own id first and last; undefined when there is none. */
  loopThrough(object: CompiledObject): readonly string[] | undefined {
    // Nothing requires a router: the common case needs no search.
    if (object.key.kind === "httpRouter" || object.key.kind === "tcpRouter") return undefined;
    const cameFrom = new Map<string, string>();
    const waiting = [object.id];
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      for (const target of this.#objects.get(id)?.required ?? []) {
        if (target === object.id) return pathTo(id, object.id, cameFrom);
        if (cameFrom.has(target)) continue;
        cameFrom.set(target, id);
        waiting.push(target);
      }
    }
    return undefined;
  }

  /** First phase. Only an object whose references changed (a seed) can have closed a loop. */
  *#leave(
    seeds: ReadonlySet<CompiledObject>,
    deleted: readonly CompiledObject[],
    state: State,
  ): Generator<void, readonly CompiledObject[]> {
    const left: CompiledObject[] = [];
    const pace = new Pace();
    const waiting = [...seeds].filter((object) => object[state]);
    for (const object of deleted) this.#pushDependents(object, state, waiting);
    for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
      if (!object[state]) continue;
      if (pace.isPause) yield;
      if (this.#canBe(state, object)) {
        if (state === "included" || !seeds.has(object) || !this.loopThrough(object)) continue;
      }
      object[state] = false;
      left.push(object);
      this.#pushDependents(object, state, waiting);
    }
    return left;
  }

  /** Second phase. What enters requires only what is in, so it cannot close a loop. */
  *#enter(
    seeds: ReadonlySet<CompiledObject>,
    state: State,
  ): Generator<void, readonly CompiledObject[]> {
    const entered: CompiledObject[] = [];
    const pace = new Pace();
    const waiting = [...seeds];
    for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
      if (pace.isPause) yield;
      if (object[state] || !this.#canBe(state, object)) continue;
      object[state] = true;
      entered.push(object);
      this.#pushDependents(object, state, waiting);
    }
    return entered;
  }

  /** Objects for whose state this one's makes a difference. */
  #pushDependents({ id, key }: CompiledObject, state: State, waiting: CompiledObject[]): void {
    if (key.kind === "httpRouter") {
      if (!this.tree.hasBonds(id)) return;
      const bonds = state === "complete" ? this.tree.parentsOf(id) : this.tree.childrenOf(id);
      for (const object of this.#existing(bonds)) waiting.push(object);
    } else if (state === "complete" && key.kind !== "tcpRouter") {
      for (const referrer of this.#index.referrersOf(id)) {
        const object = this.#objects.get(referrer);
        if (object !== undefined) waiting.push(object);
      }
    }
  }

  #canBe(state: State, object: CompiledObject): boolean {
    return state === "complete" ? this.#canBeComplete(object) : this.#canBeIncluded(object);
  }

  #canBeComplete(object: CompiledObject): boolean {
    if (object.compiled === undefined) return false;
    for (const id of object.required) {
      if (this.#objects.get(id)?.complete !== true) return false;
    }
    if (object.key.kind !== "httpRouter" || !this.tree.hasBonds(object.id)) {
      return !object.handsOver;
    }
    for (const id of this.tree.childrenOf(object.id)) {
      const child = this.#objects.get(id);
      if (child === undefined) continue;
      if (!object.handsOver) return false;
      if (child.complete) return true;
    }
    return !object.handsOver;
  }

  #canBeIncluded(object: CompiledObject): boolean {
    if (!object.complete) return false;
    if (this.tree.parentsAskedBy(object.id).length === 0) return true;
    return this.tree.parentsOf(object.id).some((id) => this.#objects.get(id)?.included === true);
  }

  #existing(ids: Iterable<string>): readonly CompiledObject[] {
    const found: CompiledObject[] = [];
    for (const id of ids) {
      const object = this.#objects.get(id);
      if (object !== undefined) found.push(object);
    }
    return found;
  }
}

function pathTo(
  last: string,
  start: string,
  cameFrom: ReadonlyMap<string, string>,
): readonly string[] {
  const path = [start];
  for (let id: string | undefined = last; id !== undefined && id !== start; id = cameFrom.get(id)) {
    path.push(id);
  }
  path.push(start);
  return path.reverse();
}
