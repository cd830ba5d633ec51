import type { Placement } from "./placement.ts";
import type { RequestFacts } from "./request-facts.ts";
import { compareRoutes, type Route } from "./route.ts";

/** Placements in order of their routes, the winner first. A route may stand in it several times. */
export class SortedPlacements<R extends Route> {
  readonly #placements: Placement<R>[] = [];

  get size(): number {
    return this.#placements.length;
  }

  [Symbol.iterator](): IterableIterator<Placement<R>> {
    return this.#placements.values();
  }

  best(facts: RequestFacts, incumbent: Placement<R> | undefined): Placement<R> | undefined {
    const placements = this.#placements;
    for (let i = 0; i < placements.length; i += 1) {
      const placement = placements[i];
      if (placement === undefined) break;
      // In order: once the incumbent wins against one, it wins against all that follow.
      if (incumbent !== undefined && !placement.isBefore(incumbent)) break;
      if (placement.matches(facts)) return placement;
    }
    return incumbent;
  }

  /** Like `best`, where all have the same path and it is known to match. */
  bestOfPath(facts: RequestFacts, incumbent: Placement<R> | undefined): Placement<R> | undefined {
    const placements = this.#placements;
    for (let i = 0; i < placements.length; i += 1) {
      const placement = placements[i];
      if (placement === undefined) break;
      if (incumbent !== undefined && !placement.isBefore(incumbent)) break;
      if (placement.passes(facts)) return placement;
    }
    return incumbent;
  }

  add(placement: Placement<R>): void {
    this.#placements.splice(this.#firstNotBefore(placement.route), 0, placement);
  }

  /** False when it is not in it. */
  remove(placement: Placement<R>): boolean {
    const index = this.#placements.indexOf(placement, this.#firstNotBefore(placement.route));
    if (index !== -1) this.#placements.splice(index, 1);
    return index !== -1;
  }

  #firstNotBefore(route: R): number {
    let low = 0;
    let high = this.#placements.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const placement = this.#placements[middle];
      if (placement !== undefined && compareRoutes(placement.route, route) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
