/**
 * Finds the route that wins for a request: always the one a scan of all routes in order (`compareRoutes`) would meet
 * first. Hosts are found by hash, `*.x` by what follows the first label, then paths by hash as well; only rules without
 * host and path are tested one after another. Changed in place, one route at a time: a change costs the routes of its
 * host.
 */
import { addToBucket, type HostBucket, removeFromBucket } from "./host-bucket.ts";
import { wildcardSuffixStart } from "./host-pattern.ts";
import type { Placement } from "./placement.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";

export class RoutingIndex<R extends Route> {
  readonly #exact = new Map<string, HostBucket<R>>();
  /** By what follows `*.`. */
  readonly #wildcard = new Map<string, HostBucket<R>>();
  #anyHost: HostBucket<R> | undefined;

  find(facts: RequestFacts): R | undefined {
    const { host } = facts;
    let best: R | undefined;
    const bucket = host === "" ? undefined : this.#exact.get(host);
    if (bucket !== undefined) best = bucket.best(facts, undefined);
    if (this.#wildcard.size > 0) {
      const start = wildcardSuffixStart(host);
      const wildcard = start === -1 ? undefined : this.#wildcard.get(host.slice(start));
      if (wildcard !== undefined) best = wildcard.best(facts, best);
    }
    return this.#anyHost === undefined ? best : this.#anyHost.best(facts, best);
  }

  add(placement: Placement<R>): void {
    const { host } = placement;
    if (host === "*") {
      this.#anyHost = addToBucket(this.#anyHost, placement);
      return;
    }
    const [buckets, key] = this.#bucketsFor(host);
    const before = buckets.get(key);
    const after = addToBucket(before, placement);
    if (after !== before) buckets.set(key, after);
  }

  /** The very object that was added. */
  remove(placement: Placement<R>): void {
    const { host } = placement;
    if (host === "*") {
      if (this.#anyHost !== undefined) this.#anyHost = removeFromBucket(this.#anyHost, placement);
      return;
    }
    const [buckets, key] = this.#bucketsFor(host);
    const before = buckets.get(key);
    if (before === undefined) return;
    const after = removeFromBucket(before, placement);
    if (after === undefined) buckets.delete(key);
    else if (after !== before) buckets.set(key, after);
  }

  #bucketsFor(host: string): readonly [Map<string, HostBucket<R>>, string] {
    return host.startsWith("*.") ? [this.#wildcard, host.slice(2)] : [this.#exact, host];
  }
}
