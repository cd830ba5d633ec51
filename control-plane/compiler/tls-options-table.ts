/**
 * Which TLS options the routers of a host ask for on an entry point. TLS options are chosen by server name, before any
 * router is: where routers of one host ask for different ones, none of them is right, and all have the default ones there
 * (as in Traefik).
 */
import type { RouterTls } from "./compiled-content.ts";

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

/** Routers of one host on one entry point, by the options they ask for. */
type Claims = Map<string, Set<string>>;

export class TlsOptionsTable {
  readonly #uses = new Map<string, readonly TlsUse[]>();
  readonly #claims = new Map<string, Claims>();
  readonly #affected = new Set<string>();

  /** Replaces what the router asked for before. */
  set(router: string, uses: readonly TlsUse[]): void {
    const before = this.#uses.get(router) ?? [];
    if (before.length === 0 && uses.length === 0) return;
    this.#affected.add(router);
    for (const use of before) for (const host of use.hosts) this.#withdraw(router, use, host);
    if (uses.length === 0) this.#uses.delete(router);
    else this.#uses.set(router, uses);
    for (const use of uses) for (const host of use.hosts) this.#claim(router, use, host);
  }

  /** Routers whose conflicts are, or may be, others than at the last call. */
  takeAffected(): ReadonlySet<string> {
    const affected = new Set(this.#affected);
    this.#affected.clear();
    return affected;
  }

  conflictsOf(router: string): readonly TlsConflict[] {
    const uses = this.#uses.get(router) ?? [];
    return uses.flatMap(({ entryPoint, hosts }) =>
      hosts.flatMap((host) => {
        const claims = this.#claims.get(placeOf(entryPoint, host));
        if (claims === undefined || claims.size < 2) return [];
        return [{ entryPoint, host, options: [...claims.keys()].sort() }];
      }),
    );
  }

  #claim(router: string, { entryPoint, options }: TlsUse, host: string): void {
    const place = placeOf(entryPoint, host);
    const claims: Claims = this.#claims.get(place) ?? new Map();
    this.#claims.set(place, claims);
    const claimants = claims.get(options);
    if (claimants !== undefined) {
      claimants.add(router);
      return;
    }
    claims.set(options, new Set([router]));
    this.#touch(claims);
  }

  #withdraw(router: string, { entryPoint, options }: TlsUse, host: string): void {
    const place = placeOf(entryPoint, host);
    const claims = this.#claims.get(place);
    const claimants = claims?.get(options);
    if (claims === undefined || claimants === undefined) return;
    claimants.delete(router);
    if (claimants.size > 0) return;
    claims.delete(options);
    if (claims.size === 0) this.#claims.delete(place);
    else this.#touch(claims);
  }

  /** Other options than before. One more router with the same ones changes nothing for the others. */
  #touch(claims: Claims): void {
    for (const claimants of claims.values()) {
      for (const router of claimants) this.#affected.add(router);
    }
  }
}

function placeOf(entryPoint: string, host: string): string {
  return `${entryPoint}\n${host}`;
}
