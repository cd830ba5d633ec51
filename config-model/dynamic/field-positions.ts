import type { FieldPath } from "../schema/locate-field.ts";
import type { SourcePosition } from "./diagnostic.ts";
import type { ObjectKey } from "./object-key.ts";

/**
 * Where the fields of a source's objects stand now. Looked for when somebody asks, so that 100,000 objects without
 * mistakes cost nothing; one for all objects of a source, so that none keeps an old text in memory.
 */
export interface FieldPositions {
  /**
   * `key`: as the provider names the object. Of a field the source does not have, the nearest key above it; absent when
   * the object is not there, or nothing of the path is.
   */
  positionOf(key: ObjectKey, path: FieldPath): SourcePosition | undefined;
}
