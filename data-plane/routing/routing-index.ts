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
import { ScannedText } from "./scanned-text.ts";
import { TextTable } from "./text-table.ts";

export class RoutingIndex<R extends Route> {
  readonly #exact = new TextTable<HostBucket<R>>();
  /** By what follows `*.`. */
  readonly #wildcard = new TextTable<HostBucket<R>>();
  #anyHost: HostBucket<R> | undefined;

  find(facts: RequestFacts): R | undefined {
    const { host } = facts;
    let best: R | undefined;
    if (host !== "" && host.length <= this.#exact.longest) {
      scannedHost.read(host, host.length);
      const bucket = this.#exact.get(scannedHost, host.length);
      if (bucket !== undefined) best = bucket.best(facts, undefined);
    }
    if (this.#wildcard.size > 0) {
      const start = wildcardSuffixStart(host);
      const length = host.length - start;
      if (start !== -1 && length <= this.#wildcard.longest) {
        if (host.length > this.#exact.longest) scannedHost.read(host, length);
        const bucket = this.#wildcard.get(scannedHost, length);
        if (bucket !== undefined) best = bucket.best(facts, best);
      }
    }
    return this.#anyHost === undefined ? best : this.#anyHost.best(facts, best);
  }

  add(placement: Placement<R>): void {
    const { host } = placement;
    if (host === "*") {
      this.#anyHost = addToBucket(this.#anyHost, placement);
      return;
    }
    const table = this.#tableFor(host);
    const length = scanPattern(host);
    const before = table.get(scannedHost, length);
    const after = addToBucket(before, placement);
    if (after !== before) table.set(scannedHost, length, after);
  }

  /** The very object that was added. */
  remove(placement: Placement<R>): void {
    const { host } = placement;
    if (host === "*") {
      if (this.#anyHost !== undefined) this.#anyHost = removeFromBucket(this.#anyHost, placement);
      return;
    }
    const table = this.#tableFor(host);
    const length = scanPattern(host);
    const before = table.get(scannedHost, length);
    if (before === undefined) return;
    const after = removeFromBucket(before, placement);
    if (after === undefined) table.delete(scannedHost, length);
    else if (after !== before) table.set(scannedHost, length, after);
  }

  #tableFor(host: string): TextTable<HostBucket<R>> {
    return host.startsWith("*.") ? this.#wildcard : this.#exact;
  }
}

/**
 * From its end, so that what follows the first label is a beginning. One for all: a lookup is over before the next begins.
 */
const scannedHost = new ScannedText("end");

/** The length to look it up by. */
function scanPattern(host: string): number {
  const length = host.startsWith("*.") ? host.length - 2 : host.length;
  scannedHost.read(host, length);
  return length;
}
