import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, staticProvider } from "../../config-model/dynamic/qualified-name.ts";
import type { Rule } from "../../config-model/rule/rule.ts";
import { defaultRulePriority } from "../../config-model/rule/rule-priority.ts";
import { type CompiledContent, invalid } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

/** Providers whose routers win among equal priorities, highest first; unlisted ones come last. */
export type ProviderPrecedence = readonly string[];

/** What lies above is kept for the router's own endpoints. */
const maxUserPriority = 2n ** 63n - 1n - 1000n;
const minPriority = -(2n ** 63n);

type RouterPriority =
  | { readonly ok: true; readonly priority: bigint; readonly precedence: number }
  | { readonly ok: false; readonly content: CompiledContent };

/** `priority` as written: 0 is "not set". */
export function routerPriority(
  key: ObjectKey,
  priority: bigint,
  ruleText: string,
  rule: Rule,
  precedence: ProviderPrecedence,
): RouterPriority {
  const provider = providerOf(key);
  if (priority > maxUserPriority && provider !== staticProvider) {
    return {
      ok: false,
      content: invalid(
        "invalid-value",
        `Cannot use ${describeObject(key)}: priority ${priority} is too high`,
        { hint: `the highest is ${maxUserPriority}`, field: ["priority"] },
      ),
    };
  }
  if (priority < minPriority) {
    return {
      ok: false,
      content: invalid(
        "invalid-value",
        `Cannot use ${describeObject(key)}: priority ${priority} is too low`,
        { hint: `the lowest is ${minPriority}`, field: ["priority"] },
      ),
    };
  }
  const rank = precedence.indexOf(provider);
  return {
    ok: true,
    priority: priority === 0n ? defaultRulePriority(ruleText, rule) : priority,
    precedence: rank < 0 ? precedence.length : rank,
  };
}
