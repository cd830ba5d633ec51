import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
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

/**
 * One object as a provider read it. Invalid content is not thrown: `config` is then absent and `problems` says why, so
 * that a broken object harms only itself.
 */
export interface SourceObject {
  readonly source: SourcePosition;
  readonly config: DynamicObject | undefined;
  /** Errors (then `config` is absent) and warnings. */
  readonly problems: readonly Diagnostic[];
}

/** `object` absent: the provider no longer has it. */
export interface SourceChange {
  readonly key: ObjectKey;
  readonly object: SourceObject | undefined;
}
