/**
 * Which TLS options the routers of a host ask for on an entry point. TLS options are chosen by server name, before any
 * router is: where routers of one host ask for different ones, none of them is right, and all have the default ones there
 * (as in Traefik), which may set them apart from the routers of their other hosts in turn.
 */
import type { RouterTls } from "./compiled-content.ts";
import { defaultTlsName } from "./default-tls.ts";

/** TLS a router has on an entry point, of its own or given by it. */
export interface TlsUse extends RouterTls {
  readonly entryPoint: string;
}

/** `host` on `entryPoint` has several options. */
export interface TlsConflict {
  readonly entryPoint: string;
  readonly host: string;
  /** In order of their names. */
  readonly options: readonly string[];
}

/** A host on an entry point, and its routers by the options they ask for. */
interface Place {
  readonly entryPoint: string;
  readonly host: string;
  readonly claims: Map<string, Set<string>>;
}

export class TlsOptionsTable {
  readonly #uses = new Map<string, readonly TlsUse[]>();
  readonly #places = new Map<string, Place>();
  /** Places where several options are asked for. */
  readonly #contested = new Set<Place>();
  /** Those, and where their routers' having the default ones makes a difference; as of the last call. */
  #conflicts: ReadonlyMap<Place, TlsConflict> = new Map();
  readonly #affected = new Set<string>();

  /** Replaces what the router asked for before. */
  set(router: string, uses: readonly TlsUse[]): void {
    const before = this.usesOf(router);
    if (before.length === 0 && uses.length === 0) return;
    this.#affected.add(router);
    for (const use of before) for (const host of use.hosts) this.#withdraw(router, use, host);
    if (uses.length === 0) this.#uses.delete(router);
    else this.#uses.set(router, uses);
    for (const use of uses) for (const host of use.hosts) this.#claim(router, use, host);
  }

  /** Routers whose conflicts are, or may be, others than at the last call. */
  takeAffected(): ReadonlySet<string> {
    if (this.#affected.size === 0) return this.#affected;
    const affected = new Set(this.#affected);
    this.#affected.clear();
    if (this.#contested.size === 0 && this.#conflicts.size === 0) return affected;
    const before = this.#conflicts;
    this.#conflicts = this.#spread();
    for (const [one, other] of [
      [before, this.#conflicts],
      [this.#conflicts, before],
    ] as const) {
      for (const [place, { options }] of one) {
        if (other.get(place)?.options.join("\n") === options.join("\n")) continue;
        for (const router of claimantsOf(place)) affected.add(router);
      }
    }
    return affected;
  }

  usesOf(router: string): readonly TlsUse[] {
    return this.#uses.get(router) ?? [];
  }

  /** As of the last `takeAffected`. */
  conflictsOf(router: string): readonly TlsConflict[] {
    if (this.#conflicts.size === 0) return [];
    return this.usesOf(router).flatMap(({ entryPoint, hosts }) =>
      hosts.flatMap((host) => {
        const place = this.#places.get(placeKey(entryPoint, host));
        return (place && this.#conflicts.get(place)) ?? [];
      }),
    );
  }

  /** From contested places to the other hosts of their routers, on the same entry point. Work for conflicts alone. */
  #spread(): ReadonlyMap<Place, TlsConflict> {
    const reached = new Set(this.#contested);
    for (const place of reached) {
      const { entryPoint, claims } = place;
      for (const [options, routers] of claims) {
        if (options === defaultTlsName) continue;
        for (const router of routers) {
          for (const other of this.#placesOf(router, entryPoint)) reached.add(other);
        }
      }
    }
    const conflicts = new Map<Place, TlsConflict>();
    for (const place of reached) {
      const { entryPoint, host, claims } = place;
      const isContested = this.#contested.has(place);
      if (!isContested && !this.#setsApart(place)) continue;
      const given = isContested ? [] : [defaultTlsName];
      const options = [...new Set([...claims.keys(), ...given])].sort();
      conflicts.set(place, { entryPoint, host, options });
    }
    return conflicts;
  }

  /** Whether routers have the default options there for the sake of others that have them because of another host. */
  #setsApart(place: Place): boolean {
    const routers = claimantsOf(place);
    if (routers.length < 2) return false;
    return routers.some((router) => {
      for (const other of this.#placesOf(router, place.entryPoint)) {
        if (this.#contested.has(other)) return false;
      }
      return true;
    });
  }

  *#placesOf(router: string, entryPoint: string): Iterable<Place> {
    for (const use of this.usesOf(router)) {
      if (use.entryPoint !== entryPoint) continue;
      for (const host of use.hosts) {
        const place = this.#places.get(placeKey(entryPoint, host));
        if (place !== undefined) yield place;
      }
    }
  }

  #claim(router: string, { entryPoint, options }: TlsUse, host: string): void {
    const key = placeKey(entryPoint, host);
    const place: Place = this.#places.get(key) ?? { entryPoint, host, claims: new Map() };
    this.#places.set(key, place);
    const claimants = place.claims.get(options);
    if (claimants !== undefined) claimants.add(router);
    else place.claims.set(options, new Set([router]));
    if (place.claims.size > 1) this.#contested.add(place);
  }

  #withdraw(router: string, { entryPoint, options }: TlsUse, host: string): void {
    const key = placeKey(entryPoint, host);
    const place = this.#places.get(key);
    const claimants = place?.claims.get(options);
    if (place === undefined || claimants === undefined) return;
    claimants.delete(router);
    if (claimants.size > 0) return;
    place.claims.delete(options);
    if (place.claims.size < 2) this.#contested.delete(place);
    if (place.claims.size === 0) this.#places.delete(key);
  }
}

function claimantsOf({ claims }: Place): readonly string[] {
  return [...claims.values()].flatMap((routers) => [...routers]);
}

function placeKey(entryPoint: string, host: string): string {
  return `${entryPoint}\n${host}`;
}
