/**
 * Finds the route that wins for a request: always the one a scan of all routes in order (`compareRoutes`) would meet
 * first. Hosts are found by hash, `*.x` by what follows the first label, then paths by hash as well; only rules without
 * host and path are tested one after another. Changed in place, one route at a time: a change costs the routes of its
 * host.
 */
import { addToBucket, type HostBucket, removeFromBucket } from "./host-bucket.ts";
import { wildcardSuffixStart } from "./host-pattern.ts";
import { PathTable } from "./path-table.ts";
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

  /**
   * The last host with many routes, which is likely to be asked for again: comparing is faster than looking up. It refers
   * to nothing of a request.
   */
  #repeated: string | undefined;
  #repeatedExact: HostBucket<R> | undefined;
  #repeatedWildcard: HostBucket<R> | undefined;

  find(facts: RequestFacts): R | undefined {
    const { host } = facts;
    let exact: HostBucket<R> | undefined;
    let wildcard: HostBucket<R> | undefined;
    if (host === this.#repeated) {
      exact = this.#repeatedExact;
      wildcard = this.#repeatedWildcard;
    } else {
      exact = this.#exactFor(host);
      if (this.#wildcard.size > 0) wildcard = this.#wildcardFor(host);
      if (exact instanceof PathTable) {
        this.#repeated = exact.host;
        this.#repeatedExact = exact;
        this.#repeatedWildcard = wildcard;
      }
    }
    let best: Placement<R> | undefined;
    if (exact !== undefined) best = exact.best(facts, undefined);
    if (wildcard !== undefined) best = wildcard.best(facts, best);
    if (this.#anyHost !== undefined) best = this.#anyHost.best(facts, best);
    return best?.route;
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
    if (after === before) return;
    table.set(scannedHost, length, after);
    this.#repeated = undefined;
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
    if (after === before) return;
    if (after === undefined) table.delete(scannedHost, length);
    else table.set(scannedHost, length, after);
    this.#repeated = undefined;
  }

  /** Reads the host, where that makes sense. */
  #exactFor(host: string): HostBucket<R> | undefined {
    if (host === "" || host.length > this.#exact.longest) return undefined;
    scannedHost.read(host, host.length);
    return this.#exact.get(scannedHost, host.length);
  }

  /** After `#exactFor`. */
  #wildcardFor(host: string): HostBucket<R> | undefined {
    const start = wildcardSuffixStart(host);
    const length = host.length - start;
    if (start === -1 || length > this.#wildcard.longest) return undefined;
    if (host.length > this.#exact.longest) scannedHost.read(host, length);
    return this.#wildcard.get(scannedHost, length);
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
