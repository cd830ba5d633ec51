import { Placement } from "./placement.ts";
import { PrefixLengths } from "./prefix-lengths.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";
import { ScannedText } from "./scanned-text.ts";
import { SortedPlacements } from "./sorted-placements.ts";
import { TextTable } from "./text-table.ts";

/** One path's placements; whoever finds them knows that the path matches. */
type PathBucket<R extends Route> = Placement<R> | SortedPlacements<R>;

/**
 * Placements by path, exact ones and prefixes. A lookup runs over the path once and asks the table wherever some prefix
 * may end: as often as there are different lengths, however many paths there are. Prefixes are plain text, so every
 * position may be an end. The longest come first: they tend to win. Nothing is allocated.
 */
export class PathTable<R extends Route> {
  /** The pattern all of them have. */
  readonly host: string;
  readonly #exact = new TextTable<PathBucket<R>>();
  readonly #prefixes = new TextTable<PathBucket<R>>();
  readonly #prefixLengths = new PrefixLengths();
  #size = 0;

  constructor(host: string) {
    this.host = host;
  }

  get size(): number {
    return this.#size;
  }

  best(facts: RequestFacts, incumbent: Placement<R> | undefined): Placement<R> | undefined {
    const path = facts.routingPath;
    const { lengths, bounds } = this.#prefixLengths;
    const mayBeExact = path.length <= this.#exact.longest;
    scannedPath.read(path, mayBeExact ? path.length : Math.min(path.length, lengths.at(-1) ?? 0));
    let best = incumbent;
    for (let i = lengths.length - 1; i >= 0; i -= 1) {
      const length = lengths[i] ?? 0;
      if (length > path.length) continue;
      if (best !== undefined && best.priority > (bounds[i] ?? 0)) break;
      const found = this.#prefixes.get(scannedPath, length);
      if (found !== undefined) best = found.bestOfPath(facts, best);
    }
    const found = mayBeExact ? this.#exact.get(scannedPath, path.length) : undefined;
    return found === undefined ? best : found.bestOfPath(facts, best);
  }

  add(placement: Placement<R>): void {
    const table = this.#tableFor(placement);
    const { path } = placement;
    scannedPath.read(path, path.length);
    const before = table.get(scannedPath, path.length);
    if (before === undefined) table.set(scannedPath, path.length, placement);
    else if (before instanceof Placement)
      table.set(scannedPath, path.length, listOf(before, placement));
    else before.add(placement);
    this.#size += 1;
    if (!placement.isExactPath) this.#prefixLengths.add(path.length, placement.route.priority);
  }

  remove(placement: Placement<R>): void {
    const table = this.#tableFor(placement);
    const { path } = placement;
    scannedPath.read(path, path.length);
    const bucket = table.get(scannedPath, path.length);
    if (bucket === undefined) return;
    if (bucket instanceof Placement) {
      if (bucket !== placement) return;
      table.delete(scannedPath, path.length);
    } else {
      if (!bucket.remove(placement)) return;
      if (bucket.size === 0) table.delete(scannedPath, path.length);
    }
    this.#size -= 1;
    if (!placement.isExactPath) this.#prefixLengths.remove(path.length);
  }

  #tableFor({ isExactPath }: Placement<R>): TextTable<PathBucket<R>> {
    return isExactPath ? this.#exact : this.#prefixes;
  }
}

/** One for all: a lookup is over before the next begins. */
const scannedPath = new ScannedText("start");

function listOf<R extends Route>(...placements: readonly Placement<R>[]): SortedPlacements<R> {
  const list = new SortedPlacements<R>();
  for (const placement of placements) list.add(placement);
  return list;
}
