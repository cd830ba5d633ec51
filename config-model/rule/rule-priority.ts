import type { Rule } from "./rule.ts";

/**
 * Priority of a router that sets none: the byte length of the rule's text, so that the more specific rule tends to win.
 * A rule that is exactly HostSNI(`*`) comes after everything else.
 */
export function defaultRulePriority(text: string, rule: Rule): bigint {
  const catchAll = rule.kind === "matcher" && rule.name === "HostSNI" && rule.arguments[0] === "*";
  return catchAll ? -1n : BigInt(Buffer.byteLength(text));
}
