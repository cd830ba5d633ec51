/** Go's regular expressions in templates: RE2's, so that no expression takes exponential time. */
import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import {
  define,
  type TemplateCall,
  TemplateCallError,
  type TemplateFunction,
} from "./template-function.ts";

const require = createRequire(import.meta.url);
/** Loaded with the first expression: most templates have none. */
let library: { readonly RE2JS: typeof RE2JS } | undefined;

/** A step of the matcher costs about as much as so many characters copied. */
const stepUnits = 16;

export const regexpFunctions: Readonly<Record<string, TemplateFunction>> = {
  regexMatch: define(2, 2, (args, call) => {
    const expression = compile(args.text(0), call);
    spendSearch(expression, args.text(1).length, call);
    return expression.matcher(args.text(1)).find();
  }),
  regexReplaceAll: define(3, 3, (args, call) => {
    const [text, replacement] = [args.text(1), args.text(2)];
    const expression = compile(args.text(0), call);
    const matcher = expression.matcher(text);
    const pieces: string[] = [];
    let from = 0;
    for (;;) {
      // Every search may look at all that is left.
      spendSearch(expression, text.length - from + 1, call);
      if (!matcher.find()) break;
      const group = (name: string) => groupText(matcher, name);
      const expanded = replacement.replaceAll(
        /\$(?:\$|(\w+)|\{(\w+)\})/g,
        (whole, bare?: string, braced?: string) =>
          whole === "$$" ? "$" : group(bare ?? braced ?? ""),
      );
      call.spend(expanded.length + replacement.length);
      pieces.push(text.slice(from, matcher.start()), expanded);
      from = matcher.end();
    }
    return `${pieces.join("")}${text.slice(from)}`;
  }),
};

function groupText(matcher: ReturnType<RE2JS["matcher"]>, name: string): string {
  try {
    return matcher.group(/^\d+$/.test(name) ? Number(name) : name) ?? "";
  } catch {
    return ""; // a group that the expression does not have is empty in Go
  }
}

function compile(expression: string, call: TemplateCall): RE2JS {
  call.spend(expression.length * 200);
  library ??= require("re2js") as { readonly RE2JS: typeof RE2JS };
  try {
    return library.RE2JS.compile(expression);
  } catch (error) {
    const failure = "the regular expression is invalid";
    throw new TemplateCallError(failure, { cause: error });
  }
}

function spendSearch(expression: RE2JS, length: number, call: TemplateCall): void {
  call.spend((length + 1) * expression.programSize() * stepUnits);
}
