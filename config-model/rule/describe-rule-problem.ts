import type { RuleProblem } from "./parse-rule.ts";

/** ``unknown matcher "Hst" at column 3``; with the line when the rule has several. */
export function describeRuleProblem(text: string, { offset, message }: RuleProblem): string {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const column = offset - lineStart + 1;
  const where = text.trimEnd().includes("\n")
    ? `line ${before.split("\n").length}, column ${column}`
    : `column ${column}`;
  return `${message} (${where} of the rule)`;
}
