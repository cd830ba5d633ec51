/** What keeps an object out of the snapshot although its own content is fine. */
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { ObjectKey, ObjectKind } from "../../config-model/dynamic/object-key.ts";
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
  return `${describeObject(key)} is not in use`;
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
