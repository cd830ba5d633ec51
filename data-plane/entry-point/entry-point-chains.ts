import { qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { Cell, CellMap } from "../switcher/cell.ts";

/**
 * The middlewares of an entry point, bound to cells. A name without "@" means another middleware for the routers of each
 * provider, so there is one list for each provider, made when the first of its routers is used and shared by all of
 * them: what changes about an entry point costs no router anything.
 */
export class EntryPointChains {
  readonly #names: readonly string[];
  readonly #cells: CellMap<HttpHandler>;
  readonly #chains = new Map<string, readonly Cell<HttpHandler>[]>();
  /** Every name says its provider: one list does for all. */
  readonly #isShared: boolean;
  #isReleased: boolean = false;

  constructor(names: readonly string[], cells: CellMap<HttpHandler>) {
    this.#names = names;
    this.#cells = cells;
    this.#isShared = names.every((name) => name.includes("@"));
  }

  /** For routers of that provider. */
  of(provider: string): readonly Cell<HttpHandler>[] {
    const key = this.#isShared ? "" : provider;
    return this.#chains.get(key) ?? this.#bind(key);
  }

  /** The entry point is another or gone. Connections that still drain may go on asking. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const chain of this.#chains.values()) this.#cells.releaseAll(chain);
  }

  #bind(provider: string): readonly Cell<HttpHandler>[] {
    const chain = this.#cells.referAll(
      this.#names.map((name) => qualifiedReference(name, provider)),
    );
    this.#chains.set(provider, chain);
    // Nobody would let go of these again. A cell that exists is still the one that others refer to.
    if (this.#isReleased) this.#cells.releaseAll(chain);
    return chain;
  }
}
