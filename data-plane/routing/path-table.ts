import { HashTable } from "./hash-table.ts";
import { Placement } from "./placement.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";
import type { RouteBucket } from "./route-bucket.ts";
import { SortedPlacements } from "./sorted-placements.ts";

/**
 * Placements by path, exact ones and prefixes. A lookup runs over the path once, hashing as it goes, and looks into the
 * table wherever some prefix ends: as often as there are different lengths, however many paths there are. Prefixes are
 * plain text, so every position may be an end. Nothing is allocated.
 */
export class PathTable<R extends Route> implements RouteBucket<R> {
  /** By hash of the path; whether it is the same path is for the placement to say. */
  readonly #table = new HashTable<Placement<R> | SortedPlacements<R>>();
  /** How many placements have a path of that length. */
  readonly #prefixLengths: number[] = [];
  readonly #exactLengths: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  best(facts: RequestFacts, incumbent: R | undefined): R | undefined {
    const path = facts.routingPath;
    const prefixLengths = this.#prefixLengths;
    const isExactLength = (this.#exactLengths[path.length] ?? 0) > 0;
    // The lists end with the longest; past that only an exact path is worth hashing on for.
    const end = isExactLength ? path.length : Math.min(path.length, prefixLengths.length - 1);
    let best = incumbent;
    let hash = emptyHash;
    for (let length = 0; length <= end; length += 1) {
      if ((prefixLengths[length] ?? 0) > 0 || (isExactLength && length === path.length)) {
        const found = this.#table.get(hash);
        if (found !== undefined) best = found.best(facts, best);
      }
      hash = extendHash(hash, path.charCodeAt(length));
    }
    return best;
  }

  add(placement: Placement<R>): void {
    this.#size += 1;
    changeCount(this.#lengthsFor(placement), placement.path.length, 1);
    const hash = hashOf(placement.path);
    const before = this.#table.get(hash);
    if (before === undefined) this.#table.set(hash, placement);
    else if (before instanceof Placement) this.#table.set(hash, listOf(before, placement));
    else before.add(placement);
  }

  remove(placement: Placement<R>): void {
    const hash = hashOf(placement.path);
    const bucket = this.#table.get(hash);
    if (bucket === undefined) return;
    if (bucket instanceof Placement) {
      if (bucket !== placement) return;
      this.#table.delete(hash);
    } else {
      if (!bucket.remove(placement)) return;
      if (bucket.size === 0) this.#table.delete(hash);
    }
    this.#size -= 1;
    changeCount(this.#lengthsFor(placement), placement.path.length, -1);
  }

  #lengthsFor({ isExactPath }: Placement<R>): number[] {
    return isExactPath ? this.#exactLengths : this.#prefixLengths;
  }
}

function listOf<R extends Route>(...placements: readonly Placement<R>[]): SortedPlacements<R> {
  const list = new SortedPlacements<R>();
  for (const placement of placements) list.add(placement);
  return list;
}

function changeCount(counts: number[], length: number, by: number): void {
  while (counts.length <= length) counts.push(0);
  counts[length] = (counts[length] ?? 0) + by;
  while (counts.at(-1) === 0) counts.pop();
}

// FNV-1a over UTF-16 units.
const emptyHash = 0x811c9dc5 | 0;

function extendHash(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

function hashOf(path: string): number {
  let hash = emptyHash;
  for (let i = 0; i < path.length; i += 1) hash = extendHash(hash, path.charCodeAt(i));
  return hash;
}
