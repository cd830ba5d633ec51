import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import type { RuleProblem } from "../../config-model/rule/parse-rule.ts";
import { type CompiledContent, invalid } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

const maxShownCharacters = 120;

/** Positions are characters of the rule counted from 1; of a long rule the part around the position is shown. */
export function invalidRule(
  key: ObjectKey,
  text: string,
  { offset, message }: RuleProblem,
): CompiledContent {
  return invalid(
    "invalid-rule",
    `Cannot use ${describeObject(key)}: rule ${shown(text, offset)} is invalid at character ${offset + 1}: ${message}`,
    { field: ["rule"] },
  );
}

function shown(text: string, offset: number): string {
  if (text.length <= maxShownCharacters) return `"${text}"`;
  const start = Math.max(0, offset - maxShownCharacters / 2);
  const part = text.slice(start, start + maxShownCharacters).toWellFormed();
  const [before, after] = [start > 0, start + maxShownCharacters < text.length];
  return `"${before ? "..." : ""}${part}${after ? "..." : ""}"`;
}
