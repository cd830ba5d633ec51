import type { Rule } from "../../config-model/rule/rule.ts";
import { RuleBuildError } from "../routing/rule-build-error.ts";
import type { TcpPredicate } from "./connection-facts.ts";
import { compileConnectionRule } from "./connection-rule.ts";

/**
 * Rules of routers without TLS: their connections name no server and offer no protocol, so `HostSNI` can only be `*`. What
 * else asks for either is asked of nothing, as in Traefik. Throws `RuleBuildError`.
 */
export function compileTcpRule(rule: Rule): TcpPredicate {
  const serverName = namedServer(rule);
  if (serverName !== undefined) {
    throw new RuleBuildError(`HostSNI(\`${serverName}\`) needs TLS, and the router has none`);
  }
  return compileConnectionRule(rule);
}

function namedServer(rule: Rule): string | undefined {
  if (rule.kind === "matcher") {
    return rule.name === "HostSNI" ? rule.arguments.find((name) => name !== "*") : undefined;
  }
  for (const each of rule.rules) {
    const name = namedServer(each);
    if (name !== undefined) return name;
  }
  return undefined;
}
