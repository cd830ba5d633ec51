/**
 * UDP routers that are sent, by entry point. There are no rules to choose by: of several on one entry point the last by
 * name serves there (as in Traefik), and the others are told so.
 */
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { keyOf } from "./lack.ts";

interface Rivals {
  readonly routers: Set<string>;
  winner: string | undefined;
}

export class UdpRivals {
  readonly #places = new Map<string, readonly string[]>();
  readonly #rivals = new Map<string, Rivals>();
  readonly #setRouters = new Set<string>();
  readonly #touched = new Set<string>();

  /** `entryPoints` empty: the router is not sent (any more). */
  set(router: string, entryPoints: readonly string[]): void {
    this.#setRouters.add(router);
    for (const name of this.#places.get(router) ?? []) {
      this.#touched.add(name);
      this.#rivals.get(name)?.routers.delete(router);
    }
    if (entryPoints.length === 0) this.#places.delete(router);
    else this.#places.set(router, entryPoints);
    for (const name of entryPoints) {
      this.#touched.add(name);
      this.#at(name).routers.add(router);
    }
  }

  /** Routers of which `problemsOf` may be another than at the last call. */
  takeAffected(): ReadonlySet<string> {
    const affected = new Set(this.#setRouters);
    for (const name of this.#touched) {
      const rivals = this.#at(name);
      const before = rivals.winner;
      rivals.winner = last(rivals.routers);
      if (rivals.routers.size === 0) this.#rivals.delete(name);
      if (rivals.winner === before) continue;
      for (const router of rivals.routers) affected.add(router);
    }
    this.#setRouters.clear();
    this.#touched.clear();
    return affected;
  }

  problemsOf(key: ObjectKey): readonly Problem[] {
    const id = objectId(key);
    return (this.#places.get(id) ?? []).flatMap((name): Problem[] => {
      const winner = this.#rivals.get(name)?.winner;
      if (winner === undefined || winner === id) return [];
      return [
        {
          severity: "warning",
          code: "invalid-value",
          field: ["entryPoints"],
          message: `Cannot serve ${describeObject(key)} on entry point "${shownText(name)}": ${describeObject(keyOf(winner))} is served there`,
          hint: "a UDP entry point has one router, the last one by name",
        },
      ];
    });
  }

  #at(entryPoint: string): Rivals {
    let rivals = this.#rivals.get(entryPoint);
    if (rivals === undefined) {
      rivals = { routers: new Set(), winner: undefined };
      this.#rivals.set(entryPoint, rivals);
    }
    return rivals;
  }
}

function last(ids: ReadonlySet<string>): string | undefined {
  let found: string | undefined;
  for (const id of ids) if (found === undefined || id > found) found = id;
  return found;
}
