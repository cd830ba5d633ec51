/**
 * Which HTTP routers are children of which (`parentRefs`), by id, with loops broken: of a loop the edge is left out that
 * closes it on a walk from the first router with a parent outside, as Traefik does when it descends from a root.
 *
 * Kept incrementally: a changed child costs a look at its ancestors; only a loop is ever looked at as a whole.
 */
import { byText } from "../../foundation/by-text.ts";
import { ReferenceIndex } from "./reference-index.ts";

/** `closer` would be the parent of `child`, which is its ancestor. */
interface BrokenEdge {
  readonly closer: string;
  readonly child: string;
  /** From the child back to itself. */
  readonly path: readonly string[];
}

interface Loop {
  readonly members: ReadonlySet<string>;
  readonly broken: readonly BrokenEdge[];
}

const none: readonly string[] = [];

export class RouterTree {
  readonly #exists: (id: string) => boolean;
  readonly #parents = new Map<string, readonly string[]>();
  readonly #children = new ReferenceIndex();
  readonly #loops = new Map<string, Loop>();
  readonly #dirty = new Set<string>();
  readonly #touched = new Set<string>();

  constructor(exists: (id: string) => boolean) {
    this.#exists = exists;
  }

  /** Empty: not a child (any more). */
  setParents(id: string, parents: readonly string[]): void {
    const before = this.#parents.get(id) ?? none;
    if (before.length === 0 && parents.length === 0) return;
    for (const parent of before) this.#children.delete(parent, id);
    for (const parent of parents) this.#children.add(parent, id);
    if (parents.length === 0) this.#parents.delete(id);
    else this.#parents.set(id, parents);
    this.#dirty.add(id);
    for (const one of [id, ...before, ...parents]) this.#touched.add(one);
  }

  /** A router came or went. */
  noteExistence(id: string): void {
    for (const child of this.#children.referrersOf(id)) {
      this.#touched.add(child);
      if (this.#loops.has(child)) this.#dirty.add(child);
    }
  }

  /** Routers whose parents or children are, or may be, others than at the last call. */
  settle(): ReadonlySet<string> {
    for (const id of [...this.#dirty]) this.#dissolve(this.#loops.get(id));
    for (const id of this.#dirty) {
      if (!this.#loops.has(id)) this.#findLoop(id);
    }
    this.#dirty.clear();
    const touched = new Set(this.#touched);
    this.#touched.clear();
    return touched;
  }

  /** Is, or asks to be, a child, or somebody asks to be its child. */
  hasBonds(id: string): boolean {
    return this.#parents.has(id) || this.#children.has(id);
  }

  /** As asked for, whether they exist or not. */
  parentsAskedBy(id: string): readonly string[] {
    return this.#parents.get(id) ?? none;
  }

  /** Without those that would close a loop. */
  parentsOf(id: string): readonly string[] {
    const asked = this.parentsAskedBy(id);
    const broken = this.#loops.get(id)?.broken.filter(({ child }) => child === id) ?? [];
    if (broken.length === 0) return asked;
    return asked.filter((parent) => broken.every(({ closer }) => closer !== parent));
  }

  *childrenOf(id: string): Iterable<string> {
    const loop = this.#loops.get(id);
    for (const child of this.#children.referrersOf(id)) {
      if (!loop?.broken.some((edge) => edge.closer === id && edge.child === child)) yield child;
    }
  }

  /** Of its children those it may not have, each with the way round. */
  loopsClosedBy(id: string): readonly BrokenEdge[] {
    return this.#loops.get(id)?.broken.filter(({ closer }) => closer === id) ?? [];
  }

  closesLoop(id: string): boolean {
    return this.#loops.has(id) && this.loopsClosedBy(id).length > 0;
  }

  #dissolve(loop: Loop | undefined): void {
    for (const member of loop?.members ?? []) {
      this.#loops.delete(member);
      this.#dirty.add(member);
      this.#touched.add(member);
    }
  }

  #findLoop(id: string): void {
    const ancestors = this.#reach(id, (one) => this.parentsAskedBy(one));
    if (!ancestors.has(id)) return;
    const children = (one: string) =>
      [...this.#children.referrersOf(one)].filter((child) => ancestors.has(child));
    const members = this.#reach(id, children);
    // Another loop that has become part of this one.
    for (const member of members) this.#dissolve(this.#loops.get(member));
    const loop: Loop = { members, broken: this.#brokenEdges(members) };
    for (const member of members) {
      this.#loops.set(member, loop);
      this.#touched.add(member);
    }
  }

  /** What can be reached in one step or more. */
  #reach(start: string, next: (id: string) => Iterable<string>): Set<string> {
    const reached = new Set<string>();
    const waiting = [start];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      for (const one of next(id)) {
        if (reached.has(one)) continue;
        reached.add(one);
        waiting.push(one);
      }
    }
    return reached;
  }

  /** Depth first from the entry, children by name; an edge back to the way that led here is broken. */
  #brokenEdges(members: ReadonlySet<string>): BrokenEdge[] {
    const sorted = [...members].toSorted(byText);
    const isEntry = (id: string) =>
      this.parentsAskedBy(id).some((parent) => !members.has(parent) && this.#exists(parent));
    const start = sorted.find(isEntry) ?? sorted[0];
    const broken: BrokenEdge[] = [];
    if (start === undefined) return broken;
    const visited = new Set([start]);
    const childrenIn = (id: string) =>
      [...this.#children.referrersOf(id)].filter((child) => members.has(child)).toSorted(byText);
    const way = [{ id: start, children: childrenIn(start) }];
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const child = here.children.shift();
      if (child === undefined) {
        way.pop();
        continue;
      }
      const at = way.findIndex(({ id }) => id === child);
      if (at >= 0) {
        const path = [...way.slice(at).map(({ id }) => id), child];
        broken.push({ closer: here.id, child, path });
      } else if (!visited.has(child)) {
        visited.add(child);
        way.push({ id: child, children: childrenIn(child) });
      }
    }
    return broken;
  }
}
