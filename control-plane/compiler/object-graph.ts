/**
 * All objects, who refers to whom, and which of them are included: those that have something to serve and of which
 * everything they require, transitively, is included too. A loop is never included.
 *
 * Kept incrementally in two phases, each of which only ever moves objects one way, so that both end: first what can no
 * longer be included leaves, and with it its referrers; what remains is consistent. Then what can be included enters,
 * and its referrers are looked at. Only objects whose own state or whose references' state changed are visited.
 */
import type { CompiledObject } from "./compiled-object.ts";
import { ReferenceIndex } from "./reference-index.ts";

export class ObjectGraph {
  readonly #objects = new Map<string, CompiledObject>();
  readonly #index = new ReferenceIndex();

  get(id: string): CompiledObject | undefined {
    return this.#objects.get(id);
  }

  add(object: CompiledObject): void {
    this.#objects.set(object.id, object);
  }

  delete(object: CompiledObject): void {
    this.setRequired(object, []);
    this.#objects.delete(object.id);
  }

  setRequired(object: CompiledObject, required: readonly string[]): void {
    for (const target of object.required) this.#index.delete(target, object.id);
    for (const target of required) this.#index.add(target, object.id);
    object.required = required;
  }

  /** Existing objects that require `id`, whether or not it exists. */
  *referrersOf(id: string): Iterable<CompiledObject> {
    for (const referrer of this.#index.referrersOf(id)) {
      const object = this.#objects.get(referrer);
      if (object !== undefined) yield object;
    }
  }

  /**
   * Settles who is included after `changed` objects changed and `deleted` ones left. Returns all whose inclusion is not
   * what it was, and no others.
   */
  settle(
    changed: Iterable<CompiledObject>,
    deleted: Iterable<CompiledObject>,
  ): Set<CompiledObject> {
    const seeds = new Set(changed);
    const left = new Set<CompiledObject>();
    const entered = new Set<CompiledObject>();
    this.#leave(seeds, deleted, left);
    this.#enter(seeds, entered);
    return left.symmetricDifference(entered);
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
  #leave(
    seeds: ReadonlySet<CompiledObject>,
    deleted: Iterable<CompiledObject>,
    left: Set<CompiledObject>,
  ): void {
    const waiting = [...seeds];
    for (const object of deleted) this.#pushReferrers(object, waiting);
    for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
      if (!object.included) continue;
      if (this.#canBeIncluded(object) && !(seeds.has(object) && this.loopThrough(object))) continue;
      object.included = false;
      left.add(object);
      this.#pushReferrers(object, waiting);
    }
  }

  /** Second phase. What enters requires only what is included, so it cannot close a loop. */
  #enter(seeds: ReadonlySet<CompiledObject>, entered: Set<CompiledObject>): void {
    const waiting = [...seeds];
    for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
      if (object.included || !this.#canBeIncluded(object)) continue;
      object.included = true;
      entered.add(object);
      this.#pushReferrers(object, waiting);
    }
  }

  #pushReferrers({ id }: CompiledObject, waiting: CompiledObject[]): void {
    for (const referrer of this.referrersOf(id)) waiting.push(referrer);
  }

  #canBeIncluded(object: CompiledObject): boolean {
    if (object.compiled === undefined) return false;
    return object.required.every((id) => this.#objects.get(id)?.included === true);
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
