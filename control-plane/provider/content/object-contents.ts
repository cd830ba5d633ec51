import type { DynamicObject } from "../../../config-model/dynamic/dynamic-object.ts";
import type { SourceChange, SourceObject } from "../../../config-model/dynamic/source-object.ts";
import type { FieldPath } from "../../../config-model/schema/locate-field.ts";
import type { FileContent } from "./referenced-files.ts";

export interface PresentObject extends SourceChange {
  readonly object: SourceObject;
}

/** Reads a file that the object names; the object hears of its next content too. */
export type ReadFile = (path: string) => FileContent;

/** What is wrong with the files of an object, or with what is in them. */
export interface ContentProblem {
  /** Of the object: what names the file. */
  readonly field: FieldPath;
  readonly code: "invalid-value" | "unreadable-file";
  /** Without a secret. */
  readonly message: string;
  readonly hint?: string;
}

/** An object with the content of its files in the place of their paths. */
export interface ObjectContents<Config extends DynamicObject = DynamicObject> {
  /** Absent: there is nothing of it to be used. Present beside problems: what it was before them. */
  readonly config: Config | undefined;
  readonly problems: readonly ContentProblem[];
}
