/** What keeps an object out of the snapshot although its own content is fine. */
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { ObjectKey, ObjectKind } from "../../config-model/dynamic/object-key.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { Problem } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";

/** `cause`: what those say that refer to the object, and are out with it. */
export interface Lack extends Problem {
  readonly cause: string;
}

export function lack(
  code: Diagnostic["code"],
  message: string,
  cause: string,
  hint?: string,
): Lack {
  const found: Lack = { severity: "error", code, message, cause };
  return hint === undefined ? found : { ...found, hint };
}

export function notInUse(key: ObjectKey): string {
  return `${describeObject(key)} ${key.kind === "tlsOptions" ? "are" : "is"} not in use`;
}

export function whyOut(target: CompiledObject): {
  readonly cause: string;
  readonly message: string;
} {
  const own = notInUse(target.key);
  const cause = target.cause ?? own;
  return { cause, message: cause === own ? own : `${own}: ${cause}` };
}

export function keyOf(id: string): ObjectKey {
  const colon = id.indexOf(":");
  return { kind: id.slice(0, colon) as ObjectKind, name: id.slice(colon + 1) };
}

export const sameProviderHint = "a name without @ is looked up in the same provider";

const maxShownMembers = 8;
const maxShownNameCharacters = 40;

/** The names of ids that refer to each other in a circle; of a long one its beginning and its end. */
export function loopPath(ids: readonly string[]): string {
  const shown = ids.map((id) => shownText(keyOf(id).name, maxShownNameCharacters));
  if (shown.length <= maxShownMembers) return shown.join(" -> ");
  return [...shown.slice(0, maxShownMembers - 2), "...", ...shown.slice(-1)].join(" -> ");
}
