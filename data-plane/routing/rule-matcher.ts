/** Compiles what is left of a rule once the index has used its host and path, once per change, into one predicate. */
import type { Matcher, Rule } from "../../config-model/rule/rule.ts";
import { parseAddressRange, rangeContains } from "./address-range.ts";
import { compileHostPattern } from "./host-pattern.ts";
import { compileLinearRegexp } from "./linear-regexp.ts";
import { someQueryValue } from "./query-values.ts";
import type { Predicate, RequestFacts } from "./request-facts.ts";
import { RuleBuildError } from "./rule-build-error.ts";

/** Throws `RuleBuildError` for a matcher that is not for HTTP, a wrong number of arguments or an invalid one. */
export function compileRule(rule: Rule): Predicate {
  switch (rule.kind) {
    case "all":
      return allOf(rule.rules.map(compileRule)) ?? (() => true);
    case "any": {
      const alternatives = rule.rules.map(compileRule);
      return (facts) => {
        for (const matches of alternatives) if (matches(facts)) return true;
        return false;
      };
    }
    case "matcher": {
      const matches = compileMatcher(rule);
      return rule.negated ? (facts) => !matches(facts) : matches;
    }
  }
}

/** Absent when there is nothing to test. */
export function allOf(conditions: readonly Predicate[]): Predicate | undefined {
  const [first, second] = conditions;
  if (first === undefined) return undefined;
  if (second === undefined) return first;
  if (conditions.length === 2) return (facts) => first(facts) && second(facts);
  return (facts) => {
    for (const matches of conditions) if (!matches(facts)) return false;
    return true;
  };
}

function compileMatcher(matcher: Matcher): Predicate {
  switch (matcher.name) {
    case "Host": {
      const test = compileHostPattern(takeArguments(matcher, 1)[0]);
      return (facts) => test(facts.host);
    }
    case "HostRegexp": {
      const test = compileLinearRegexp(takeArguments(matcher, 1)[0]);
      return (facts) => test(facts.host);
    }
    case "Path": {
      const [path] = takeArguments(matcher, 1);
      return (facts) => facts.routingPath === path;
    }
    case "PathPrefix": {
      // Plain text, not by segment, as in Traefik: `/api` also matches `/api-v2`.
      const [prefix] = takeArguments(matcher, 1);
      return (facts) => facts.routingPath.startsWith(prefix);
    }
    case "PathRegexp": {
      const test = compileLinearRegexp(takeArguments(matcher, 1)[0]);
      return (facts) => test(facts.routingPath);
    }
    case "Method": {
      const [method] = takeArguments(matcher, 1);
      return (facts) => facts.method === method;
    }
    case "Header": {
      const [name, value] = takeArguments(matcher, 2);
      return compileHeader(name, (candidate) => candidate === value);
    }
    case "HeaderRegexp": {
      const [name, expression] = takeArguments(matcher, 2);
      return compileHeader(name, compileLinearRegexp(expression));
    }
    case "Query":
    case "QueryRegexp":
      return compileQuery(matcher);
    case "ClientIP": {
      const [text] = takeArguments(matcher, 1);
      const range = parseAddressRange(text);
      if (range === undefined)
        throw new RuleBuildError(`"${text}" is neither an address nor a range`);
      return (facts) => rangeContains(range, facts.peerAddress);
    }
    case "HostSNI":
    case "HostSNIRegexp":
    case "ALPN":
      throw new RuleBuildError(`${matcher.name} is a matcher for TCP routers`);
  }
}

function compileHeader(name: string, accepts: (value: string) => boolean): Predicate {
  const lowerName = name.toLowerCase();
  // The host of a request is not one of its headers, as in Traefik.
  if (lowerName === "host") return () => false;
  return ({ requestHeaders }: RequestFacts) => {
    for (let i = 0; i < requestHeaders.length; i += 1) {
      if (requestHeaders.lowerNameAt(i) === lowerName && accepts(requestHeaders.valueAt(i))) {
        return true;
      }
    }
    return false;
  };
}

/** With one argument the value must be empty, for both matchers. */
function compileQuery(matcher: Matcher): Predicate {
  const [key, wanted] = matcher.arguments;
  if (key === undefined || matcher.arguments.length > 2) {
    throw new RuleBuildError(`${matcher.name} takes 1 or 2 arguments`);
  }
  if (wanted !== undefined && matcher.name === "QueryRegexp") {
    const test = compileLinearRegexp(wanted);
    return (facts) => someQueryValue(facts.query, key, test);
  }
  const exact = wanted ?? "";
  return (facts) => someQueryValue(facts.query, key, (value) => value === exact);
}

function takeArguments(matcher: Matcher, count: 1): readonly [string];
function takeArguments(matcher: Matcher, count: 2): readonly [string, string];
function takeArguments(matcher: Matcher, count: 1 | 2): readonly string[] {
  if (matcher.arguments.length !== count) {
    throw new RuleBuildError(`${matcher.name} takes ${count} argument${count === 1 ? "" : "s"}`);
  }
  return matcher.arguments;
}
