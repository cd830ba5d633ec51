import type { Diagnostic, SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { ObjectKey, ObjectKind } from "../../config-model/dynamic/object-key.ts";
import { providerOf } from "../../config-model/dynamic/qualified-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { Problem } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";
import type { ObjectGraph } from "./object-graph.ts";

export interface Diagnosis {
  /** Why the object is not included, in words that name the first cause; absent when it is. */
  readonly cause: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const none: readonly Diagnostic[] = [];
const nothingToSay: Diagnosis = { cause: undefined, diagnostics: none };

/** Everything there is to say about an object now. The same state always gives the same sentences. */
export function diagnoseObject(object: CompiledObject, graph: ObjectGraph): Diagnosis {
  if (object.included && !hasProblems(object)) return nothingToSay;
  const missing = object.included || object.compiled === undefined ? [] : lacking(object, graph);
  const { source } = object;
  const lastGood = servesLastGood(object);
  const at = source?.source ?? carriedPosition(object.key);
  const place = (problem: Problem): Diagnostic => ({ ...problem, object: object.key, source: at });
  const diagnostics: readonly Diagnostic[] = [
    ...(source?.problems ?? []).map((read) => withFate({ ...read, object: object.key }, lastGood)),
    ...object.contentProblems.map((own) => withFate(place(own), lastGood)),
    ...object.entryPointProblems.map(place),
    ...missing.map(({ cause: _cause, ...problem }) => place(problem)),
  ];
  return {
    cause: object.included ? undefined : (missing[0]?.cause ?? notInUse(object.key)),
    diagnostics: diagnostics.length === 0 ? none : diagnostics,
  };
}

function hasProblems({ source, contentProblems, entryPointProblems }: CompiledObject): boolean {
  if (contentProblems.length > 0 || entryPointProblems.length > 0) return true;
  return source !== undefined && source.problems.length > 0;
}

interface Lack extends Problem {
  readonly cause: string;
}

/** Every reference that keeps the object out, each once; in a loop only the loop, whatever else is missing. */
function lacking(object: CompiledObject, graph: ObjectGraph): Lack[] {
  const subject = `Cannot use ${describeObject(object.key)}`;
  const loop = graph.loopThrough(object);
  if (loop !== undefined) {
    const names = loopPath(loop.map((id) => keyOf(id).name));
    const cause = `${describeObject(object.key)} refers to itself (${names})`;
    return [problem("reference-loop", `${subject}: it refers to itself (${names})`, cause)];
  }
  return object.required.flatMap((id) => {
    const target = graph.get(id);
    if (target === undefined) {
      const cause = `${describeObject(keyOf(id))} does not exist`;
      return [
        problem(
          "unknown-reference",
          `${subject}: ${cause}`,
          cause,
          // A name that was given another provider was not looked up here.
          providerOf(keyOf(id)) === providerOf(object.key)
            ? "a name without @ is looked up in the same provider"
            : undefined,
        ),
      ];
    }
    if (target.included) return [];
    const cause = target.cause ?? notInUse(target.key);
    const own = notInUse(target.key);
    const message = cause === own ? own : `${own}: ${cause}`;
    return [problem("disabled-reference", `${subject}: ${message}`, cause)];
  });
}

const maxShownMembers = 8;

function loopPath(names: readonly string[]): string {
  const shown = names.map((name) => shownText(name, maxShownNameCharacters));
  if (shown.length <= maxShownMembers) return shown.join(" -> ");
  const [last = ""] = shown.slice(-1);
  return [...shown.slice(0, maxShownMembers - 2), "...", last].join(" -> ");
}

/** In a list of names. */
const maxShownNameCharacters = 40;

function problem(code: Diagnostic["code"], message: string, cause: string, hint?: string): Lack {
  const lack: Lack = { severity: "error", code, message, cause };
  return hint === undefined ? lack : { ...lack, hint };
}

function notInUse(key: ObjectKey): string {
  return `${describeObject(key)} is not in use`;
}

/** The content read last is a mistake, and an earlier one is in its place. */
function servesLastGood({ source, inUse }: CompiledObject): boolean {
  if (source === undefined || inUse.kind === "none") return false;
  return inUse.kind === "carried" || inUse.config !== source.config;
}

function withFate<T extends Problem>(found: T, lastGood: boolean): T {
  if (!lastGood || found.severity !== "error") return found;
  const fate = "its last good version stays in use";
  return { ...found, hint: found.hint === undefined ? fate : `${found.hint}; ${fate}` };
}

function carriedPosition(key: ObjectKey): SourcePosition {
  return { provider: providerOf(key), location: "newest committed generation" };
}

function keyOf(id: string): ObjectKey {
  const colon = id.indexOf(":");
  return { kind: id.slice(0, colon) as ObjectKind, name: id.slice(colon + 1) };
}
