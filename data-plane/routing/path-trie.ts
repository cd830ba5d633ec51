import type { Placement } from "./placement.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";
import type { RouteBucket } from "./route-bucket.ts";
import { SortedPlacements } from "./sorted-placements.ts";

/**
 * Placements by path in a radix tree: a lookup walks the characters of the path once, whatever the number of paths, and
 * allocates nothing. Prefixes are plain text, so an edge may end anywhere in a segment.
 */
export class PathTrie<R extends Route> implements RouteBucket<R> {
  readonly #root = new TrieNode<R>("");
  #size = 0;

  get size(): number {
    return this.#size;
  }

  best(facts: RequestFacts, incumbent: R | undefined): R | undefined {
    const path = facts.routingPath;
    let best = incumbent;
    let position = 0;
    let node: TrieNode<R> | undefined = this.#root;
    while (node !== undefined) {
      if (node.prefixes !== undefined) best = node.prefixes.best(facts, best);
      if (position === path.length) {
        return node.exact === undefined ? best : node.exact.best(facts, best);
      }
      const child: TrieNode<R> | undefined = node.childFor(path.charCodeAt(position));
      if (child === undefined || !path.startsWith(child.label, position)) return best;
      position += child.label.length;
      node = child;
    }
    return best;
  }

  add(placement: Placement<R>): void {
    this.#size += 1;
    let node = this.#root;
    let rest = placement.path;
    while (rest !== "") {
      let child = node.childFor(rest.charCodeAt(0));
      if (child === undefined) {
        child = new TrieNode(rest);
        node.addChild(child);
      }
      const shared = commonLength(child.label, rest);
      if (shared < child.label.length) child.splitAt(shared);
      rest = rest.slice(shared);
      node = child;
    }
    node.listFor(placement).add(placement);
  }

  remove(placement: Placement<R>): void {
    if (this.#removeBelow(this.#root, placement, 0)) this.#size -= 1;
  }

  /** On the way back up, nodes that hold nothing any more go, and a node with one child joins it. */
  #removeBelow(node: TrieNode<R>, placement: Placement<R>, position: number): boolean {
    const { path } = placement;
    if (position === path.length) return node.removeOwn(placement);
    const child = node.childFor(path.charCodeAt(position));
    if (child === undefined || !path.startsWith(child.label, position)) return false;
    const removed = this.#removeBelow(child, placement, position + child.label.length);
    if (child.isEmpty) node.removeChild(child);
    else child.joinOnlyChild();
    return removed;
  }
}

class TrieNode<R extends Route> {
  label: string;
  prefixes: SortedPlacements<R> | undefined;
  exact: SortedPlacements<R> | undefined;
  /** By first character of the label. */
  #children: Map<number, TrieNode<R>> | undefined;

  constructor(label: string) {
    this.label = label;
  }

  get isEmpty(): boolean {
    return this.prefixes === undefined && this.exact === undefined && this.#children === undefined;
  }

  childFor(code: number): TrieNode<R> | undefined {
    return this.#children?.get(code);
  }

  addChild(child: TrieNode<R>): void {
    this.#children ??= new Map();
    this.#children.set(child.label.charCodeAt(0), child);
  }

  removeChild(child: TrieNode<R>): void {
    this.#children?.delete(child.label.charCodeAt(0));
    if (this.#children?.size === 0) this.#children = undefined;
  }

  /** Keeps the first `length` characters; what hung here moves to a child with the rest. */
  splitAt(length: number): void {
    const lower = new TrieNode<R>(this.label.slice(length));
    lower.#takeContent(this);
    this.label = this.label.slice(0, length);
    this.prefixes = undefined;
    this.exact = undefined;
    this.#children = undefined;
    this.addChild(lower);
  }

  joinOnlyChild(): void {
    if (this.prefixes !== undefined || this.exact !== undefined) return;
    const children = this.#children;
    if (children === undefined || children.size !== 1) return;
    for (const child of children.values()) {
      this.label += child.label;
      this.#takeContent(child);
    }
  }

  listFor({ isExactPath }: Placement<R>): SortedPlacements<R> {
    if (isExactPath) {
      this.exact ??= new SortedPlacements();
      return this.exact;
    }
    this.prefixes ??= new SortedPlacements();
    return this.prefixes;
  }

  removeOwn(placement: Placement<R>): boolean {
    const list = placement.isExactPath ? this.exact : this.prefixes;
    if (list === undefined) return false;
    const before = list.size;
    list.remove(placement);
    if (list.size === 0) {
      if (placement.isExactPath) this.exact = undefined;
      else this.prefixes = undefined;
    }
    return before !== list.size;
  }

  #takeContent(other: TrieNode<R>): void {
    this.prefixes = other.prefixes;
    this.exact = other.exact;
    this.#children = other.#children;
  }
}

function commonLength(a: string, b: string): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}
