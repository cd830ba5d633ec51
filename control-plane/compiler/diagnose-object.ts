import type { Diagnostic, SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { localKey, providerOf } from "../../config-model/dynamic/qualified-name.ts";
import type { FieldPath } from "../../config-model/schema/locate-field.ts";
import type { Problem } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject, doesNotExist } from "./describe-object.ts";
import { bondProblems, lackOfChildren, lackOfParents } from "./diagnose-bonds.ts";
import { keyOf, type Lack, lack, loopPath, notInUse, sameProviderHint, whyOut } from "./lack.ts";
import type { ObjectGraph } from "./object-graph.ts";

export interface Diagnosis {
  /** Why the object is not included, in words that name the first cause; absent when it is. */
  readonly cause: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const none: readonly Diagnostic[] = [];
const nothingToSay: Diagnosis = { cause: undefined, diagnostics: none };

/** There is nothing to say about it, without a closer look. */
export function isFine(object: CompiledObject, { tree }: ObjectGraph): boolean {
  if (!object.included || object.mentioned.length > 0 || hasProblems(object)) return false;
  return tree.parentsAskedBy(object.id).length === 0 && !tree.closesLoop(object.id);
}

/** Everything there is to say about an object now. The same state always gives the same sentences. */
export function diagnoseObject(object: CompiledObject, graph: ObjectGraph): Diagnosis {
  if (isFine(object, graph)) return nothingToSay;
  const missing = object.included || object.compiled === undefined ? [] : lacking(object, graph);
  const { source } = object;
  const fate = fateOf(object);
  const at = source?.source ?? carriedPosition(object.key);
  const place = ({ field, ...problem }: Problem): Diagnostic => {
    return { ...problem, object: object.key, source: fieldPosition(object, field) ?? at };
  };
  const diagnostics: readonly Diagnostic[] = [
    ...(source?.problems ?? []).map((read) => withFate({ ...read, object: object.key }, fate)),
    ...object.contentProblems.map((own) => withFate(place(own), fate)),
    ...object.entryPointProblems.map(place),
    ...object.tlsProblems.map(place),
    ...missingMentions(object, graph).map(place),
    ...bondProblems(object, graph).map(place),
    ...missing.map(({ cause: _cause, ...problem }) => place(problem)),
  ];
  return {
    cause: object.included ? undefined : (missing[0]?.cause ?? notInUse(object.key)),
    diagnostics: diagnostics.length === 0 ? none : diagnostics,
  };
}

function hasProblems(object: CompiledObject): boolean {
  const { source, contentProblems, entryPointProblems, tlsProblems } = object;
  if (contentProblems.length > 0 || entryPointProblems.length > 0) return true;
  if (tlsProblems.length > 0) return true;
  return source !== undefined && source.problems.length > 0;
}

function fieldPosition(
  { key, source }: CompiledObject,
  field: FieldPath | undefined,
): SourcePosition | undefined {
  if (field === undefined || source?.fields === undefined) return undefined;
  return source.fields.positionOf(localKey(key), field);
}

/** Every reference that keeps the object out, each once; in a loop only the loop, whatever else is missing. */
function lacking(object: CompiledObject, graph: ObjectGraph): Lack[] {
  const subject = `Cannot use ${describeObject(object.key)}`;
  const loop = graph.loopThrough(object);
  if (loop !== undefined) {
    const names = loopPath(loop);
    const cause = `${describeObject(object.key)} refers to itself (${names})`;
    return [lack("reference-loop", `${subject}: it refers to itself (${names})`, cause)];
  }
  const lacks = object.required.flatMap((id) => lackOf(id, object, graph));
  if (object.key.kind === "httpRouter") {
    lacks.push(...lackOfChildren(object, graph), ...lackOfParents(object, graph));
  }
  return lacks;
}

function lackOf(id: string, object: CompiledObject, graph: ObjectGraph): Lack[] {
  const subject = `Cannot use ${describeObject(object.key)}`;
  const target = graph.get(id);
  if (target === undefined) {
    const cause = doesNotExist(keyOf(id));
    // A name that was given another provider was not looked up here.
    const isLocal = providerOf(keyOf(id)) === providerOf(object.key);
    const hint = isLocal ? sameProviderHint : undefined;
    const missing = lack("unknown-reference", `${subject}: ${cause}`, cause, hint);
    return [{ ...missing, field: referenceField(object.key, keyOf(id)) }];
  }
  if (target.included) return [];
  const { cause, message } = whyOut(target);
  const disabled = lack("disabled-reference", `${subject}: ${message}`, cause);
  return [{ ...disabled, field: referenceField(object.key, target.key) }];
}

/** Where an object names what it requires. */
function referenceField(from: ObjectKey, to: ObjectKey): FieldPath {
  if (to.kind === "tlsOptions") return ["tls", "options"];
  if (to.kind !== "httpMiddleware") return ["service"];
  return from.kind === "httpMiddleware" ? ["chain", "middlewares"] : ["middlewares"];
}

/**
 * What an entry point gives its routers and cannot: without their middlewares they are answered 404 there, without their
 * TLS options connections are closed.
 */
function missingMentions(object: CompiledObject, graph: ObjectGraph): Problem[] {
  if (!object.included) return [];
  return object.mentioned.flatMap((id) => {
    const target = graph.get(id);
    if (target?.included) return [];
    const code = target === undefined ? "unknown-reference" : "disabled-reference";
    const why = target === undefined ? doesNotExist(keyOf(id)) : whyOut(target).message;
    const what =
      keyOf(id).kind === "tlsOptions" ? "with the TLS options" : "behind the middlewares";
    const message =
      object.key.kind === "entryPoint"
        ? `Cannot serve HTTP routers on ${describeObject(object.key)}: ${why}`
        : `Cannot serve ${describeObject(object.key)} ${what} of its entry points: ${why}`;
    return [{ severity: "error", code, message } as const];
  });
}

/** The content read last is a mistake: what is in its place, if anything is. */
function fateOf({ source, inUse, compiled }: CompiledObject): string | undefined {
  if (source === undefined) return undefined;
  if (inUse.kind === "none") {
    return compiled === undefined ? undefined : "connections that need them are closed";
  }
  const isLastGood = inUse.kind === "carried" || inUse.config !== source.config;
  return isLastGood ? "its last good version stays in use" : undefined;
}

function withFate<T extends Problem>(found: T, fate: string | undefined): T {
  if (fate === undefined || found.severity !== "error") return found;
  return { ...found, hint: found.hint === undefined ? fate : `${found.hint}; ${fate}` };
}

function carriedPosition(key: ObjectKey): SourcePosition {
  return { provider: providerOf(key), location: "newest committed generation" };
}
