/**
 * Regular expressions in Go's syntax and in linear time. The library is loaded with the first expression: a worker
 * whose rules have none starts without it.
 */
import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import { RuleBuildError } from "./rule-build-error.ts";

const require = createRequire(import.meta.url);
let library: { readonly RE2JS: typeof RE2JS } | undefined;

/** Not anchored. Throws `RuleBuildError` when the expression is invalid. */
export function compileLinearRegexp(expression: string): (text: string) => boolean {
  const compiled = compileRegexp(expression);
  return (text) => compiled.test(text);
}

/** Throws `RuleBuildError` when the expression is invalid. */
export function compileRegexp(expression: string): RE2JS {
  library ??= require("re2js") as { readonly RE2JS: typeof RE2JS };
  try {
    return library.RE2JS.compile(expression);
  } catch (cause) {
    throw new RuleBuildError(`invalid regular expression ${JSON.stringify(expression)}`, { cause });
  }
}
