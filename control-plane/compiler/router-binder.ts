/**
 * Binds routers to entry points: the ones they name or the default ones, and the TLS options their hosts have there.
 * It keeps who is bound to what, so that a changed entry point, or other TLS options of one host, touch the routers for
 * which they make a difference and no others.
 */
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { EntryPointSelection, Problem, RouterTls } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";
import { EntryPointTable, type EntryPointTraits } from "./entry-point-table.ts";
import { TlsOptionsTable, type TlsUse } from "./tls-options-table.ts";

export const defaultTlsOptions = "default";

export interface BoundRouter {
  readonly key: ObjectKey;
  readonly id: string;
  readonly selection: EntryPointSelection;
  /** Its own; undefined: what its entry points give. */
  readonly tls: RouterTls | undefined;
  /** Hosts of its rule, read only where an entry point gives TLS. */
  readonly hosts: () => readonly string[];
}

export interface Binding {
  /** Where it serves. */
  readonly names: readonly string[];
  /** Those its entry points run first that are of its own provider. */
  readonly middlewares: readonly string[];
  readonly problems: readonly Problem[];
}

export class RouterBinder {
  readonly #entryPoints = new EntryPointTable();
  readonly #tls = new TlsOptionsTable();

  setEntryPoint(name: string, traits: EntryPointTraits | undefined): void {
    this.#entryPoints.set(name, traits);
  }

  setClosedDefault(name: string): void {
    this.#entryPoints.setClosedDefault(name);
  }

  /** Notes what a router asks for now; undefined: it is on no entry point (any more). */
  select({ id, entryPoints }: CompiledObject, selection: EntryPointSelection | undefined): void {
    this.#entryPoints.select(id, entryPoints, selection);
    if (selection === undefined) this.#tls.set(id, []);
  }

  /** Routers for which the entry points set since the last call make a difference; each may come twice. */
  takeAffectedRouters(): readonly string[] {
    return this.#entryPoints.takeAffectedRouters();
  }

  /** Bound routers of which `tlsProblems` may say something else than at the last call. */
  takeTlsAffected(): ReadonlySet<string> {
    return this.#tls.takeAffected();
  }

  bind(router: BoundRouter): Binding {
    const { names, unknown } = this.#entryPoints.bind(router.selection);
    const uses = names.flatMap((entryPoint) => this.#tlsUse(router, entryPoint));
    this.#tls.set(router.id, uses);
    const plain = names.filter((name) => uses.every(({ entryPoint }) => entryPoint !== name));
    const problems = entryPointProblems(router.key, names, unknown);
    // Of a router with TLS of its own it has been said already.
    if (router.tls === undefined) problems.push(...unbuiltTls(router.key, uses, plain));
    return { names: plain, middlewares: this.#middlewaresOn(plain, router.key), problems };
  }

  tlsProblems(key: ObjectKey, id: string): readonly Problem[] {
    return this.#tls.conflictsOf(id).map(({ entryPoint, host, options }) => ({
      severity: "warning",
      code: "tls-options-conflict",
      message: `Cannot use TLS options of ${describeObject(key)} for host "${shownText(host)}" on entry point "${shownText(entryPoint)}": its routers ask for ${options.map((name) => `"${shownText(name)}"`).join(" and ")}`,
      hint: "TLS options are chosen by host, before any router is: the default ones are used there",
    }));
  }

  #middlewaresOn(entryPoints: readonly string[], router: ObjectKey): readonly string[] {
    if (router.kind !== "httpRouter") return [];
    const provider = providerOf(router);
    return entryPoints.flatMap((entryPoint) => {
      const local = this.#entryPoints.traitsOf(entryPoint)?.localMiddlewares ?? [];
      return local.map((name) => qualifiedReference(name, provider));
    });
  }

  #tlsUse({ key, tls, hosts }: BoundRouter, entryPoint: string): TlsUse[] {
    if (tls !== undefined) return [{ entryPoint, ...tls }];
    const given = this.#entryPoints.traitsOf(entryPoint)?.tlsOptions;
    if (given === undefined || key.kind !== "httpRouter") return [];
    return [{ entryPoint, options: qualifiedTlsOptions(given, key), hosts: hosts() }];
  }
}

/** Empty or `default`: the default ones, which belong to no provider. */
export function qualifiedTlsOptions(name: string | undefined, router: ObjectKey): string {
  if (!name || name === defaultTlsOptions) return defaultTlsOptions;
  return qualifiedReference(name, providerOf(router));
}

function entryPointProblems(
  key: ObjectKey,
  names: readonly string[],
  unknown: readonly string[],
): Problem[] {
  if (names.length === 0 && unknown.length === 0) {
    return [
      {
        severity: "error",
        code: "unknown-reference",
        message: `Cannot use ${describeObject(key)}: it names no entry point, and there are no default ones`,
      },
    ];
  }
  const severity = names.length === 0 ? "error" : "warning";
  return unknown.map((name) => ({
    severity,
    code: "unknown-reference",
    field: ["entryPoints"],
    message:
      severity === "error"
        ? `Cannot use ${describeObject(key)}: entry point "${shownText(name)}" does not exist`
        : `Cannot use entry point "${shownText(name)}" for ${describeObject(key)}: it does not exist`,
  }));
}

/** "Not built is never open": it would serve in plain text what was to be encrypted. */
function unbuiltTls(key: ObjectKey, uses: readonly TlsUse[], plain: readonly string[]): Problem[] {
  const severity = plain.length === 0 ? "error" : "warning";
  return uses.map(({ entryPoint }) => ({
    severity,
    code: "not-built",
    message: `Cannot serve ${describeObject(key)} on entry point "${shownText(entryPoint)}": "http.tls" of the entry point is not supported yet`,
  }));
}
