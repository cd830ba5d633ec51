/**
 * Binds routers to entry points: the ones they name or the default ones, and the TLS options their hosts have there.
 * It keeps who is bound to what, so that a changed entry point, or other TLS options of one host, touch the routers for
 * which they make a difference and no others.
 */
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { EntryPointSelection, Problem, RouterTls } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { defaultTlsName } from "./default-tls.ts";
import { describeObject } from "./describe-object.ts";
import {
  type BoundEntryPoints,
  type EntryPointDemand,
  EntryPointTable,
  type EntryPointTraits,
} from "./entry-point-table.ts";
import { middlewareIds } from "./resource-body.ts";
import { qualifiedTlsOptions } from "./router-tls.ts";
import { type TlsConflict, TlsOptionsTable, type TlsUse } from "./tls-options-table.ts";

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
  /** Ids of what its entry points give it and its own provider has: middlewares they run first, TLS options. */
  readonly given: readonly string[];
  readonly problems: readonly Problem[];
}

/** TLS options chosen by host are not always those asked for. */
export interface SettledTls {
  /** Entry points where the router has the default ones, whatever it or the entry point says; in order. */
  readonly defaultOn: readonly string[];
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
  select(
    { id, key, entryPoints }: CompiledObject,
    selection: EntryPointSelection | undefined,
  ): void {
    const before = entryPoints && demandOf(key, entryPoints);
    this.#entryPoints.select(id, before, selection && demandOf(key, selection));
    if (selection === undefined) this.#tls.set(id, []);
  }

  /** Routers for which the entry points set since the last call make a difference; each may come twice. */
  takeAffectedRouters(): readonly string[] {
    return this.#entryPoints.takeAffectedRouters();
  }

  /** Bound routers of which `settledTls` may be another than at the last call. */
  takeTlsAffected(): ReadonlySet<string> {
    return this.#tls.takeAffected();
  }

  bind(router: BoundRouter): Binding {
    const { key, selection } = router;
    const found = this.#entryPoints.bind(demandOf(key, selection));
    const { names } = found;
    const uses = names.flatMap((entryPoint) => this.#tlsUse(router, entryPoint));
    this.#tls.set(router.id, uses);
    const given = [
      ...middlewareIds(this.#middlewaresOn(names, key)),
      ...(router.tls === undefined ? this.#givenOptions(uses) : []),
    ];
    return { names, given, problems: entryPointProblems(key, found) };
  }

  /** Entry points a bound router serves on. */
  namesOf(key: ObjectKey, selection: EntryPointSelection): readonly string[] {
    return this.#entryPoints.bind(demandOf(key, selection)).names;
  }

  /** What `bind` says of a router. */
  problemsOf(key: ObjectKey, selection: EntryPointSelection): readonly Problem[] {
    return entryPointProblems(key, this.#entryPoints.bind(demandOf(key, selection)));
  }

  settledTls(key: ObjectKey, id: string): SettledTls {
    const conflicts = this.#tls.conflictsOf(id);
    const hostless = this.#tls.usesOf(id).filter(({ options, hosts }) => {
      return hosts.length === 0 && options !== defaultTlsName;
    });
    if (conflicts.length === 0 && hostless.length === 0) return nothingSettled;
    const places = [...conflicts, ...hostless].map(({ entryPoint }) => entryPoint);
    return {
      defaultOn: [...new Set(places)].sort(),
      problems: [
        ...conflicts.map((conflict) => conflictProblem(key, conflict)),
        ...hostless.map((use) => hostlessProblem(key, use)),
      ],
    };
  }

  #middlewaresOn(entryPoints: readonly string[], router: ObjectKey): readonly string[] {
    if (router.kind !== "httpRouter") return [];
    const provider = providerOf(router);
    return entryPoints.flatMap((entryPoint) => {
      const local = this.#entryPoints.traitsOf(entryPoint)?.localMiddlewares ?? [];
      return local.map((name) => qualifiedReference(name, provider));
    });
  }

  /** TCP routers are not chosen by host: each has its own TLS, whatever others ask for. */
  #tlsUse({ key, tls, hosts }: BoundRouter, entryPoint: string): TlsUse[] {
    if (key.kind !== "httpRouter") return [];
    if (tls !== undefined) return [{ entryPoint, ...tls }];
    const given = this.#entryPoints.traitsOf(entryPoint)?.tlsOptions;
    if (given === undefined) return [];
    return [{ entryPoint, options: qualifiedTlsOptions(given, key), hosts: hosts() }];
  }

  /** Those an entry point names with a provider are its own to miss. */
  #givenOptions(uses: readonly TlsUse[]): readonly string[] {
    const isLocal = ({ entryPoint, options, hosts }: TlsUse) =>
      options !== defaultTlsName &&
      hosts.length > 0 &&
      this.#entryPoints.traitsOf(entryPoint)?.tlsOptions?.includes("@") === false;
    if (uses.length === 0) return [];
    const names = uses.filter(isLocal).map(({ options }) => options);
    return [...new Set(names)].map((name) => objectId({ kind: "tlsOptions", name }));
  }
}

const nothingSettled: SettledTls = { defaultOn: [], problems: [] };

function conflictProblem(key: ObjectKey, { entryPoint, host, options }: TlsConflict): Problem {
  return {
    severity: "warning",
    code: "tls-options-conflict",
    message: `Cannot use TLS options of ${describeObject(key)} for host "${shownText(host)}" on entry point "${shownText(entryPoint)}": its routers ask for ${options.map((name) => `"${shownText(name)}"`).join(" and ")}`,
    hint: "TLS options are chosen by host, before any router is: the default ones are used there",
  };
}

function hostlessProblem(key: ObjectKey, { entryPoint, options }: TlsUse): Problem {
  return {
    severity: "warning",
    code: "tls-options-conflict",
    message: `Cannot use TLS options "${shownText(options)}" of entry point "${shownText(entryPoint)}" for ${describeObject(key)}: its rule names no host`,
    hint: "TLS options are chosen by host, before any router is: the default ones are used there",
  };
}

function demandOf({ kind }: ObjectKey, selection: EntryPointSelection): EntryPointDemand {
  return { selection, isUdp: kind === "udpRouter" };
}

function entryPointProblems(
  key: ObjectKey,
  { names, unknown, unfit }: BoundEntryPoints,
): readonly Problem[] {
  const isUdp = key.kind === "udpRouter";
  if (names.length + unknown.length + unfit.length === 0) {
    const none = isUdp ? "no UDP ones" : "no default ones";
    return [
      {
        severity: "error",
        code: "unknown-reference",
        message: `Cannot use ${describeObject(key)}: it names no entry point, and there are ${none}`,
      },
    ];
  }
  if (unknown.length + unfit.length === 0) return noProblems;
  const severity = names.length === 0 ? "error" : "warning";
  const problem = (name: string, code: Problem["code"], why: string): Problem => ({
    severity,
    code,
    field: ["entryPoints"],
    message:
      severity === "error"
        ? `Cannot use ${describeObject(key)}: entry point "${shownText(name)}" ${why}`
        : `Cannot use entry point "${shownText(name)}" for ${describeObject(key)}: it ${why}`,
  });
  const other = isUdp ? "takes TCP, not UDP" : "takes UDP, not TCP";
  return [
    ...unknown.map((name) => problem(name, "unknown-reference", "does not exist")),
    ...unfit.map((name) => problem(name, "invalid-value", other)),
  ];
}

const noProblems: readonly Problem[] = [];
