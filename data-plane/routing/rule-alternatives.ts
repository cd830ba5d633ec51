/**
 * Splits a rule into alternatives, each a conjunction the index can place by one host and one path. Their disjunction is
 * the rule. `any` below `all` is multiplied out as long as the result stays small; what is not stays whole, as a
 * condition that is tested and not indexed.
 */
import type { Matcher, Rule } from "../../config-model/rule/rule.ts";

type Conjunction = readonly Rule[];

/** Bound of what multiplying out may produce; `any` alone only adds up and is always split. */
const maxProduct = 256;

export function ruleAlternatives(rule: Rule): readonly Conjunction[] {
  switch (rule.kind) {
    case "matcher":
      return [[rule]];
    case "any":
      return rule.rules.flatMap(ruleAlternatives);
    case "all":
      return multiply(rule.rules);
  }
}

function multiply(rules: readonly Rule[]): readonly Conjunction[] {
  let products: readonly Conjunction[] = [[]];
  // Those that lead to a host first: they narrow most, so they get what room there is.
  const ordered = [...rules].sort((a, b) => Number(mentionsHost(b)) - Number(mentionsHost(a)));
  for (const rule of ordered) {
    const alternatives = isWorthSplitting(rule) ? ruleAlternatives(rule) : [[rule]];
    const fits = products.length === 1 || products.length * alternatives.length <= maxProduct;
    const factors = fits ? alternatives : [[rule]];
    products = products.flatMap((product) => factors.map((factor) => [...product, ...factor]));
  }
  return products;
}

/** Splitting by methods or headers would only test the same host and path several times. */
function isWorthSplitting(rule: Rule): boolean {
  return rule.kind !== "matcher" && (mentionsHost(rule) || mentionsPath(rule));
}

function mentionsHost(rule: Rule): boolean {
  return rule.kind === "matcher" ? isPositive(rule, "Host") : rule.rules.some(mentionsHost);
}

function mentionsPath(rule: Rule): boolean {
  return rule.kind === "matcher"
    ? isPositive(rule, "Path") || isPositive(rule, "PathPrefix")
    : rule.rules.some(mentionsPath);
}

export function isPositive(rule: Rule, name: Matcher["name"]): rule is Matcher {
  return rule.kind === "matcher" && !rule.negated && rule.name === name;
}
