import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
import type { DynamicObject } from "./dynamic-object.ts";
import type { FieldPositions } from "./field-positions.ts";
import type { ObjectKey } from "./object-key.ts";

/**
 * One object as a provider read it. Invalid content is not thrown: `config` is then absent and `problems` says why, so
 * that a broken object harms only itself.
 */
export interface SourceObject {
  readonly source: SourcePosition;
  readonly config: DynamicObject | undefined;
  /** Errors (then `config` is absent) and warnings. */
  readonly problems: readonly Diagnostic[];
  /** Absent: the source has no places but the object's own. */
  readonly fields?: FieldPositions;
}

/** `object` absent: the provider no longer has it. */
export interface SourceChange {
  readonly key: ObjectKey;
  readonly object: SourceObject | undefined;
}
