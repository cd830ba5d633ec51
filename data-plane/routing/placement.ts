import type { Rule } from "../../config-model/rule/rule.ts";
import { TextPool } from "../../foundation/text-pool.ts";
import type { Predicate, RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";
import { compareRoutes } from "./route.ts";
import { isPositive, ruleAlternatives } from "./rule-alternatives.ts";
import { allOf, compileRule } from "./rule-matcher.ts";

/** Where one alternative of a rule belongs in the index, and what is left to test there. */
export interface PlacementKey {
  /** A host pattern; `*` when the alternative names no host. */
  readonly host: string;
  /** "" when it names no path: every path starts with it. */
  readonly path: string;
  readonly isExactPath: boolean;
  readonly test: Predicate | undefined;
}

/** Throws `RuleBuildError`. */
export function placementKeys(rule: Rule): readonly PlacementKey[] {
  // What is multiplied out stands in several alternatives: compiled once, shared by all.
  const compiled = new Map<Rule, Predicate>();
  const compile = (part: Rule) => {
    const known = compiled.get(part) ?? compileRule(part);
    compiled.set(part, known);
    return known;
  };
  return ruleAlternatives(rule).map((conjunction) => keyOf(conjunction, compile));
}

function keyOf(conjunction: readonly Rule[], compile: (rule: Rule) => Predicate): PlacementKey {
  const host =
    conjunction.find((rule) => isPositive(rule, "Host") && rule.arguments[0] !== "*") ??
    conjunction.find((rule) => isPositive(rule, "Host"));
  const path =
    conjunction.find((rule) => isPositive(rule, "Path")) ??
    conjunction.find((rule) => isPositive(rule, "PathPrefix"));
  for (const used of [host, path]) if (used !== undefined) compile(used); // must be valid as well
  const rest = conjunction.filter((rule) => rule !== host && rule !== path);
  return {
    host: argumentOf(host) ?? "*",
    path: paths.of(argumentOf(path) ?? ""),
    isExactPath: path !== undefined && isPositive(path, "Path"),
    test: allOf(rest.map(compile)),
  };
}

/** Thousands of hosts have `/`, `/api` and the like. */
const paths = new TextPool(4_096);

function argumentOf(rule: Rule | undefined): string | undefined {
  return rule?.kind === "matcher" ? rule.arguments[0] : undefined;
}

/**
 * A route at one place of the index. It is a bucket of one by itself: most hosts have one route, and at 100,000 of them
 * a list each would cost more than the routes.
 */
export class Placement<R extends Route> {
  // What every decision looks at comes first: the rest may lie on another line of the cache.
  readonly route: R;
  /** The route's, so that most comparisons need not look at the routes. */
  readonly priority: number | bigint;
  readonly #test: Predicate | undefined;
  readonly isExactPath: boolean;
  readonly path: string;
  readonly host: string;

  constructor(route: R, { host, path, isExactPath, test }: PlacementKey) {
    this.route = route;
    this.priority = route.priority;
    this.#test = test;
    this.isExactPath = isExactPath;
    this.path = path;
    this.host = host;
  }

  /** The host is not tested again: being found means that it matched. */
  matches(facts: RequestFacts): boolean {
    const pathMatches = this.isExactPath
      ? facts.routingPath === this.path
      : this.path === "" || facts.routingPath.startsWith(this.path);
    return pathMatches && this.passes(facts);
  }

  /** What is left of the rule, its path not tested either. */
  passes(facts: RequestFacts): boolean {
    return this.#test === undefined || this.#test(facts);
  }

  best(facts: RequestFacts, incumbent: Placement<R> | undefined): Placement<R> | undefined {
    if (incumbent !== undefined && !this.isBefore(incumbent)) return incumbent;
    return this.matches(facts) ? this : incumbent;
  }

  /** Like `best`, where being found means that the path matched, too. */
  bestOfPath(facts: RequestFacts, incumbent: Placement<R> | undefined): Placement<R> | undefined {
    if (incumbent !== undefined && !this.isBefore(incumbent)) return incumbent;
    return this.passes(facts) ? this : incumbent;
  }

  /** Whether its route comes first; of one route's placements, none does. */
  isBefore(other: Placement<R>): boolean {
    if (this.priority > other.priority) return true;
    if (this.priority < other.priority) return false;
    return compareRoutes(this.route, other.route) < 0;
  }

  /** What is left of the key when the route is replaced by another version of itself with the same rule. */
  get key(): PlacementKey {
    return {
      host: this.host,
      path: this.path,
      isExactPath: this.isExactPath,
      test: this.#test,
    };
  }
}
