import type { Matcher, Rule } from "../../config-model/rule/rule.ts";
import { parseAddressRange, rangeContains } from "../routing/address-range.ts";
import { compileHostPattern } from "../routing/host-pattern.ts";
import { compileLinearRegexp } from "../routing/linear-regexp.ts";
import { RuleBuildError } from "../routing/rule-build-error.ts";
import type { TcpPredicate } from "./connection-facts.ts";

/** Throws `RuleBuildError` for a matcher that is not for TCP, a wrong number of arguments or an invalid one. */
export function compileConnectionRule(rule: Rule): TcpPredicate {
  switch (rule.kind) {
    case "all": {
      const conditions = rule.rules.map(compileConnectionRule);
      return (facts) => conditions.every((matches) => matches(facts));
    }
    case "any": {
      const alternatives = rule.rules.map(compileConnectionRule);
      return (facts) => alternatives.some((matches) => matches(facts));
    }
    case "matcher": {
      const matches = compileMatcher(rule);
      return rule.negated ? (facts) => !matches(facts) : matches;
    }
  }
}

function compileMatcher({ name, arguments: values }: Matcher): TcpPredicate {
  const [argument] = values;
  if (argument === undefined || values.length !== 1) {
    throw new RuleBuildError(`${name} takes 1 argument`);
  }
  switch (name) {
    case "HostSNI": {
      const test = compileHostPattern(argument);
      return ({ serverName }) => test(withoutTrailingDot(serverName));
    }
    case "HostSNIRegexp": {
      // Also on the empty name, and with a trailing dot where there is one, as in Traefik.
      const test = compileLinearRegexp(argument);
      return ({ serverName }) => test(serverName);
    }
    case "ClientIP": {
      const range = parseAddressRange(argument);
      if (range === undefined) {
        throw new RuleBuildError(`"${argument}" is neither an address nor a range`);
      }
      return ({ peerAddress }) => rangeContains(range, peerAddress);
    }
    case "ALPN":
      return ({ alpnProtocols }) => alpnProtocols.includes(argument);
    case "Host":
    case "HostRegexp":
    case "Path":
    case "PathPrefix":
    case "PathRegexp":
    case "Method":
    case "Header":
    case "HeaderRegexp":
    case "Query":
    case "QueryRegexp":
      throw new RuleBuildError(`${name} is a matcher for HTTP routers`);
  }
}

function withoutTrailingDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
