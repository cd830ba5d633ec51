/**
 * The entry points there are, which of them are the default ones, and which routers look at which: so that a changed
 * entry point touches the routers that name it, and a changed default those that rely on it.
 */
import type { EntryPointSelection } from "./compiled-content.ts";
import { ReferenceIndex } from "./reference-index.ts";

/** Kept for the router's own endpoints: never a default that nobody asked for. */
const ownEntryPoint = "traefik";

/** What of an entry point makes a difference to the routers on it. */
export interface EntryPointTraits {
  readonly asDefault: boolean;
  /** Routers without TLS of their own have it here, with these options, as written; empty: the default ones. */
  readonly tlsOptions: string | undefined;
  /** Middlewares it runs that are looked up in the provider of each router. */
  readonly localMiddlewares: readonly string[];
}

export interface BoundEntryPoints {
  readonly names: readonly string[];
  readonly unknown: readonly string[];
}

export class EntryPointTable {
  readonly #traits = new Map<string, EntryPointTraits>();
  readonly #closedDefaults = new Set<string>();
  readonly #namedBy = new ReferenceIndex();
  readonly #followers = new Set<string>();
  /** Names that came, went or got other traits than `asDefault` since routers were last looked at. */
  readonly #changed = new Set<string>();
  #defaultsMayDiffer: boolean = false;
  #defaults: readonly string[] = [];

  /** `traits` absent: there is no such entry point (any more). */
  set(name: string, traits: EntryPointTraits | undefined): void {
    const before = this.#traits.get(name);
    this.#closedDefaults.delete(name);
    if (traits === undefined) this.#traits.delete(name);
    else this.#traits.set(name, traits);
    if (!sameForRouters(before, traits)) this.#changed.add(name);
    this.#defaultsMayDiffer = true;
  }

  /**
   * One that is marked as default and not opened. Routers meant for it are not served on others in its place: those may be
   * open to anybody.
   */
  setClosedDefault(name: string): void {
    this.set(name, undefined);
    this.#closedDefaults.add(name);
  }

  traitsOf(name: string): EntryPointTraits | undefined {
    return this.#traits.get(name);
  }

  /** Notes what a router asks for now instead of what it asked for before. */
  select(
    router: string,
    before: EntryPointSelection | undefined,
    after: EntryPointSelection | undefined,
  ): void {
    if (before === "default") this.#followers.delete(router);
    else for (const name of before ?? []) this.#namedBy.delete(name, router);
    if (after === "default") this.#followers.add(router);
    else for (const name of after ?? []) this.#namedBy.add(name, router);
  }

  /** Routers for which the entry points set since the last call make a difference; each may come twice. */
  takeAffectedRouters(): readonly string[] {
    if (!this.#defaultsMayDiffer) return [];
    this.#defaultsMayDiffer = false;
    const affected: string[] = [];
    for (const name of this.#changed) {
      for (const router of this.#namedBy.referrersOf(name)) affected.push(router);
    }
    const defaults = this.#computeDefaults();
    const sameDefaults = defaults.join("\n") === this.#defaults.join("\n");
    if (!sameDefaults || defaults.some((name) => this.#changed.has(name))) {
      this.#defaults = defaults;
      for (const router of this.#followers) affected.push(router);
    }
    this.#changed.clear();
    return affected;
  }

  /** In the order asked for, each name once. */
  bind(selection: EntryPointSelection): BoundEntryPoints {
    if (selection === "default") return { names: this.#defaults, unknown: [] };
    const [first] = selection;
    // Of most routers, each of which is bound when it is compiled.
    if (selection.length === 1 && first !== undefined && this.#traits.has(first)) {
      return { names: selection, unknown: [] };
    }
    const asked = [...new Set(selection)];
    return {
      names: asked.filter((name) => this.#traits.has(name)),
      unknown: asked.filter((name) => !this.#traits.has(name)),
    };
  }

  /** Those marked as default, or all when none is; in order of their names. */
  #computeDefaults(): readonly string[] {
    const all = [...this.#traits.keys()].sort();
    const marked = all.filter((name) => this.#traits.get(name)?.asDefault === true);
    if (marked.length > 0 || this.#closedDefaults.size > 0) return marked;
    return all.filter((name) => name !== ownEntryPoint);
  }
}

function sameForRouters(a: EntryPointTraits | undefined, b: EntryPointTraits | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.tlsOptions !== b.tlsOptions) return false;
  return a.localMiddlewares.join("\n") === b.localMiddlewares.join("\n");
}
