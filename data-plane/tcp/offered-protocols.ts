import type { Rule } from "../../config-model/rule/rule.ts";

/**
 * What a TCP router that ends TLS agrees to where its options do not say, in order of preference: what its rule asks for,
 * which is why the connection is its own, then the usual. A client that offers only others is refused in the handshake.
 */
export function offeredProtocols(rule: Rule): readonly string[] {
  const protocols = new Set<string>();
  collect(rule, protocols);
  for (const protocol of usual) protocols.add(protocol);
  return protocols.size === usual.length ? usual : [...protocols];
}

const usual: readonly string[] = ["h2", "http/1.1"];

function collect(rule: Rule, into: Set<string>): void {
  if (rule.kind !== "matcher") {
    for (const inner of rule.rules) collect(inner, into);
    return;
  }
  const [protocol] = rule.arguments;
  if (rule.name === "ALPN" && !rule.negated && protocol !== undefined) into.add(protocol);
}
