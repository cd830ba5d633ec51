import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import type { RuleProblem } from "../../config-model/rule/parse-rule.ts";
import { type CompiledContent, invalid } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

const maxShownCharacters = 40;

/** Positions are characters of the rule counted from 1; the hint shows the rule from there on. */
export function invalidRule(
  key: ObjectKey,
  text: string,
  { offset, message }: RuleProblem,
): CompiledContent {
  const rest = text.slice(offset, offset + maxShownCharacters).trimEnd();
  const more = offset + maxShownCharacters < text.length ? "..." : "";
  return invalid(
    "invalid-rule",
    `Cannot use ${describeObject(key)}: its rule is invalid at character ${offset + 1}: ${message}`,
    rest === "" ? undefined : `at: ${rest}${more}`,
  );
}
