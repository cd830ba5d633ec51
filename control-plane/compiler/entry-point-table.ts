/**
 * The entry points there are, which of them are the default ones, and which routers look at which: so that a changed
 * entry point touches the routers that name it, and a changed default those that rely on it.
 */
import { byText } from "../../foundation/by-text.ts";
import type { EntryPointSelection } from "./compiled-content.ts";
import { ReferenceIndex } from "./reference-index.ts";

/** Kept for the router's own endpoints: never a default that nobody asked for. */
const ownEntryPoint = "traefik";

/** What of an entry point makes a difference to the routers on it. */
export interface EntryPointTraits {
  /** UDP routers serve on these only, all others on the others only. */
  readonly isUdp: boolean;
  readonly asDefault: boolean;
  /** Routers without TLS of their own have it here, with these options, as written; empty: the default ones. */
  readonly tlsOptions: string | undefined;
  /** Middlewares it runs that are looked up in the provider of each router. */
  readonly localMiddlewares: readonly string[];
}

export interface BoundEntryPoints {
  readonly names: readonly string[];
  readonly unknown: readonly string[];
  /** Those of the other protocol. */
  readonly unfit: readonly string[];
}

/** What a router asks for. */
export interface EntryPointDemand {
  readonly selection: EntryPointSelection;
  readonly isUdp: boolean;
}

/** What routers have that name none. */
interface Defaults {
  readonly followers: Set<string>;
  names: readonly string[];
}

export class EntryPointTable {
  readonly #traits = new Map<string, EntryPointTraits>();
  readonly #closedDefaults = new Set<string>();
  readonly #namedBy = new ReferenceIndex();
  readonly #defaults: Defaults = { followers: new Set(), names: [] };
  readonly #udpDefaults: Defaults = { followers: new Set(), names: [] };
  /** Names that came, went or got other traits than `asDefault` since routers were last looked at. */
  readonly #changed = new Set<string>();
  #defaultsMayDiffer: boolean = false;

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
    before: EntryPointDemand | undefined,
    after: EntryPointDemand | undefined,
  ): void {
    if (before?.selection === "default") this.#defaultsOf(before.isUdp).followers.delete(router);
    else for (const name of before?.selection ?? []) this.#namedBy.delete(name, router);
    if (after?.selection === "default") this.#defaultsOf(after.isUdp).followers.add(router);
    else for (const name of after?.selection ?? []) this.#namedBy.add(name, router);
  }

  /** Routers for which the entry points set since the last call make a difference; each may come twice. */
  takeAffectedRouters(): readonly string[] {
    if (!this.#defaultsMayDiffer) return [];
    this.#defaultsMayDiffer = false;
    const affected: string[] = [];
    for (const name of this.#changed) {
      for (const router of this.#namedBy.referrersOf(name)) affected.push(router);
    }
    this.#refresh(this.#defaults, this.#computeDefaults(), affected);
    // UDP routers that name none take them all, whatever is marked.
    this.#refresh(this.#udpDefaults, this.#namesWhere(true), affected);
    this.#changed.clear();
    return affected;
  }

  /** In the order asked for, each name once. */
  bind({ selection, isUdp }: EntryPointDemand): BoundEntryPoints {
    if (selection === "default") {
      return { names: this.#defaultsOf(isUdp).names, unknown: none, unfit: none };
    }
    const [first] = selection;
    // Of most routers, each of which is bound when it is compiled.
    if (selection.length === 1 && first !== undefined && this.#fits(first, isUdp)) {
      return { names: selection, unknown: none, unfit: none };
    }
    const asked = [...new Set(selection)];
    return {
      names: asked.filter((name) => this.#fits(name, isUdp)),
      unknown: asked.filter((name) => !this.#traits.has(name)),
      unfit: asked.filter((name) => this.#fits(name, !isUdp)),
    };
  }

  #fits(name: string, isUdp: boolean): boolean {
    return this.#traits.get(name)?.isUdp === isUdp;
  }

  #defaultsOf(isUdp: boolean): Defaults {
    return isUdp ? this.#udpDefaults : this.#defaults;
  }

  #refresh(defaults: Defaults, names: readonly string[], affected: string[]): void {
    const isSame = names.join("\n") === defaults.names.join("\n");
    if (isSame && !names.some((name) => this.#changed.has(name))) return;
    defaults.names = names;
    for (const router of defaults.followers) affected.push(router);
  }

  /** Those marked as default, or all when none is; in order of their names. */
  #computeDefaults(): readonly string[] {
    const all = this.#namesWhere(false);
    const marked = all.filter((name) => this.#traits.get(name)?.asDefault === true);
    if (marked.length > 0 || this.#closedDefaults.size > 0) return marked;
    return all.filter((name) => name !== ownEntryPoint);
  }

  #namesWhere(isUdp: boolean): readonly string[] {
    return [...this.#traits.keys()].filter((name) => this.#fits(name, isUdp)).sort(byText);
  }
}

const none: readonly string[] = [];

function sameForRouters(a: EntryPointTraits | undefined, b: EntryPointTraits | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.isUdp !== b.isUdp || a.tlsOptions !== b.tlsOptions) return false;
  return a.localMiddlewares.join("\n") === b.localMiddlewares.join("\n");
}
