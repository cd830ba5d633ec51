import type { Rule } from "../../config-model/rule/rule.ts";

/**
 * Server names, or patterns of one label before a name, of which a connection has to have one for the rule to match;
 * undefined: it may match others too.
 */
export function demandedServerNames(rule: Rule): readonly string[] | undefined {
  switch (rule.kind) {
    case "all":
      // Any operand that demands something will do; the shortest list is the best.
      return rule.rules.map(demandedServerNames).reduce(shorter, undefined);
    case "any": {
      const names = new Set<string>();
      for (const alternative of rule.rules) {
        const demanded = demandedServerNames(alternative);
        if (demanded === undefined) return undefined;
        for (const name of demanded) names.add(name);
      }
      return [...names];
    }
    case "matcher": {
      const [name] = rule.arguments;
      if (rule.name !== "HostSNI" || rule.negated || name === undefined) return undefined;
      return name === "*" ? undefined : [name];
    }
  }
}

function shorter(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.length < a.length ? b : a;
}
