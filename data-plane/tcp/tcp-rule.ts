import type { Matcher, Rule } from "../../config-model/rule/rule.ts";
import { parseAddressRange, rangeContains } from "../routing/address-range.ts";
import { RuleBuildError } from "../routing/rule-build-error.ts";
import type { TcpPredicate } from "./tcp-router.ts";

/**
 * Rules of routers without TLS: there is no server name, so `HostSNI` can only be `*`. Throws `RuleBuildError` for what
 * would need the handshake.
 */
export function compileTcpRule(rule: Rule): TcpPredicate {
  switch (rule.kind) {
    case "all": {
      const conditions = rule.rules.map(compileTcpRule);
      return (peerAddress) => conditions.every((matches) => matches(peerAddress));
    }
    case "any": {
      const alternatives = rule.rules.map(compileTcpRule);
      return (peerAddress) => alternatives.some((matches) => matches(peerAddress));
    }
    case "matcher": {
      const matches = compileMatcher(rule);
      return rule.negated ? (peerAddress) => !matches(peerAddress) : matches;
    }
  }
}

function compileMatcher({ name, arguments: values }: Matcher): TcpPredicate {
  const [argument = ""] = values;
  if (values.length !== 1) throw new RuleBuildError(`${name} takes 1 argument`);
  if (name === "HostSNI" && argument === "*") return () => true;
  if (name === "HostSNI") {
    throw new RuleBuildError(`HostSNI(\`${argument}\`) needs TLS, which is not supported here`);
  }
  if (name !== "ClientIP") throw new RuleBuildError(`${name} is not supported for TCP routers`);
  const range = parseAddressRange(argument);
  if (range === undefined) {
    throw new RuleBuildError(`"${argument}" is neither an address nor a range`);
  }
  return (peerAddress) => rangeContains(range, peerAddress);
}
