/**
 * The entry points there are, which of them are the default ones, and which routers look at which: so that a changed
 * entry point touches the routers that name it, and a changed default those that rely on it.
 */
import type { EntryPointSelection } from "./compiled-content.ts";
import { ReferenceIndex } from "./reference-index.ts";

/** Kept for the router's own endpoints: never a default that nobody asked for. */
const ownEntryPoint = "traefik";

export interface BoundEntryPoints {
  readonly names: readonly string[];
  readonly unknown: readonly string[];
}

export class EntryPointTable {
  readonly #asDefault = new Map<string, boolean>();
  readonly #namedBy = new ReferenceIndex();
  readonly #followers = new Set<string>();
  /** Names that came or went since routers were last looked at. */
  readonly #changed = new Set<string>();
  #defaultsMayDiffer: boolean = false;
  #defaults: readonly string[] = [];

  /** `asDefault` absent: there is no such entry point (any more). */
  set(name: string, asDefault: boolean | undefined): void {
    const existed = this.#asDefault.has(name);
    if (asDefault === undefined) this.#asDefault.delete(name);
    else this.#asDefault.set(name, asDefault);
    if (existed !== (asDefault !== undefined)) this.#changed.add(name);
    this.#defaultsMayDiffer = true;
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
    this.#changed.clear();
    const defaults = this.#computeDefaults();
    if (defaults.join("\n") !== this.#defaults.join("\n")) {
      this.#defaults = defaults;
      for (const router of this.#followers) affected.push(router);
    }
    return affected;
  }

  /** In the order asked for, each name once. */
  bind(selection: EntryPointSelection): BoundEntryPoints {
    if (selection === "default") return { names: this.#defaults, unknown: [] };
    const asked = [...new Set(selection)];
    return {
      names: asked.filter((name) => this.#asDefault.has(name)),
      unknown: asked.filter((name) => !this.#asDefault.has(name)),
    };
  }

  /** Those marked as default, or all when none is; in order of their names. */
  #computeDefaults(): readonly string[] {
    const all = [...this.#asDefault.keys()].sort();
    const marked = all.filter((name) => this.#asDefault.get(name) === true);
    return marked.length > 0 ? marked : all.filter((name) => name !== ownEntryPoint);
  }
}
