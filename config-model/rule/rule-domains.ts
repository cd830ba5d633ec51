import type { Rule } from "./rule.ts";

/**
 * Host names that a rule names with `Host` or `HostSNI`, in the order of its text, each once; `*` and `*.x` as written.
 * Negated ones count too, as in Traefik: this is the list of names whose TLS options the router may set, not of the
 * names it serves.
 */
export function ruleDomains(rule: Rule): readonly string[] {
  const domains = new Set<string>();
  collect(rule, domains);
  return [...domains];
}

function collect(rule: Rule, into: Set<string>): void {
  if (rule.kind !== "matcher") {
    for (const inner of rule.rules) collect(inner, into);
    return;
  }
  const [name] = rule.arguments;
  if (name !== undefined && (rule.name === "Host" || rule.name === "HostSNI")) into.add(name);
}
