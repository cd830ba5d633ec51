import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import { errorText } from "../../foundation/error-text.ts";

const require = createRequire(import.meta.url);
/** Loaded with the first expression: most configurations have none, and a start waits for nothing it does not use. */
let library: { readonly RE2JS: typeof RE2JS } | undefined;

/**
 * Why the expression is invalid; absent when it is valid. RE2, as Traefik has it: linear time, no look-around and no
 * back-references.
 */
export function regexpProblem(expression: string): string | undefined {
  const { RE2JS } = loadedLibrary();
  try {
    RE2JS.compile(expression);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** Whether a valid expression is found in the empty text. */
export function regexpAcceptsEmptyText(expression: string): boolean {
  return loadedLibrary().RE2JS.compile(expression).matcher("").find();
}

function loadedLibrary(): { readonly RE2JS: typeof RE2JS } {
  library ??= require("re2js") as { readonly RE2JS: typeof RE2JS };
  return library;
}
