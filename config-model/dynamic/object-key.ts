import type { DynamicObject } from "./dynamic-object.ts";

export type ObjectKind = DynamicObject["kind"];

/** Identity of an object inside its provider (`name` as written) or, after the watcher, fleet-wide (`name@provider`). */
export interface ObjectKey {
  readonly kind: ObjectKind;
  readonly name: string;
}

export function objectId({ kind, name }: ObjectKey): string {
  return `${kind}:${name}`;
}
