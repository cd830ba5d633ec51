/** Compares an index, whichever it is, with a scan in order. */
import type { canonicalHost } from "../../data-plane/http/canonical-host.ts";
import type { PlacementKey } from "../../data-plane/routing/placement.ts";
import type { RequestFacts } from "../../data-plane/routing/request-facts.ts";
import type { Route } from "../../data-plane/routing/route.ts";
import {
  type NaiveRoute,
  naiveMatch,
  naiveOrder,
  ruleText,
  type WrittenRule,
} from "./naive-routing.ts";
import {
  randomFacts,
  randomHostPattern,
  randomPathRule,
  randomRoute,
  randomRule,
} from "./random-routing.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface RoutingModules {
  readonly parse: typeof import("../../config-model/rule/parse-rule.ts");
  readonly host: { readonly canonicalHost: typeof canonicalHost };
  readonly placement: typeof import("../../data-plane/routing/placement.ts");
  readonly route: typeof import("../../data-plane/routing/route.ts");
  readonly index: typeof import("../../data-plane/routing/routing-index.ts");
}

/** What is told of every decision: the routes that match, the winner first. */
type Observe = (facts: RequestFacts, matching: readonly NaiveRoute[], routeCount: number) => void;

interface Difference {
  /** How many sets it took. */
  readonly sets: number;
  readonly description: string;
}

const ruleCount = 6_000;

export function firstDifference(
  modules: RoutingModules,
  setCount: number,
  observe?: Observe,
): Difference | undefined {
  const random = new SeededRandom(20_261_124);
  const rules = new RulePool(modules, random);
  for (let set = 0; set < setCount; set += 1) {
    const routes = new Map<string, NaiveRoute>();
    const subject = new Subject(modules, rules);
    const put = (rule: WrittenRule) => {
      const route = randomRoute(random, `route-${random.below(1_000)}@p`, rule);
      subject.remove(route.name);
      routes.set(route.name, route);
      subject.add(route);
    };
    const remove = (name: string) => {
      subject.remove(name);
      routes.delete(name);
    };
    const ask = (facts: RequestFacts): Difference | undefined => {
      const matching = naiveOrder(routes.values()).filter(({ rule }) => naiveMatch(rule, facts));
      const found = subject.find(facts);
      observe?.(facts, matching, routes.size);
      if (found === matching[0]?.name) return undefined;
      const description = describe(routes.values(), facts, matching[0]?.name, found);
      return { sets: set + 1, description };
    };
    const isCrowded = random.chance(0.06);
    const size = isCrowded ? 12 + random.below(20) : 1 + random.below(7);
    const crowdedHost = randomHostPattern(random);
    for (let i = 0; i < size; i += 1) {
      put(isCrowded && random.chance(0.8) ? rules.ofCrowd(crowdedHost) : rules.any());
    }
    const isAskedForCrowd = isCrowded && !crowdedHost.includes("*");
    const facts = isAskedForCrowd
      ? { ...randomFacts(random), host: crowdedHost }
      : randomFacts(random);
    let difference = ask(facts);
    for (let edits = random.below(4); edits > 0 && difference === undefined; edits -= 1) {
      const name = random.pick([...routes.keys()]);
      if (routes.size > 1 && random.chance(0.6)) remove(name);
      else put(rules.any());
      difference = ask(random.chance(0.5) ? facts : randomFacts(random));
    }
    // The index is emptied and filled again: nothing may be left of what it held.
    if (difference === undefined && isCrowded && random.chance(0.5)) {
      for (const name of [...routes.keys()]) if (random.chance(0.8)) remove(name);
      difference = ask(facts);
    }
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Rules are parsed and compiled once each: sets choose among them. */
class RulePool {
  readonly #modules: RoutingModules;
  readonly #random: SeededRandom;
  readonly #rules: WrittenRule[];
  readonly #crowds = new Map<string, WrittenRule[]>();
  readonly #keys = new Map<WrittenRule, readonly PlacementKey[]>();

  constructor(modules: RoutingModules, random: SeededRandom) {
    this.#modules = modules;
    this.#random = random;
    this.#rules = Array.from({ length: ruleCount }, () => randomRule(random));
  }

  any(): WrittenRule {
    return this.#random.pick(this.#rules);
  }

  ofCrowd(host: string): WrittenRule {
    let crowd = this.#crowds.get(host);
    if (crowd === undefined) {
      crowd = Array.from({ length: 60 }, () => randomPathRule(this.#random, host));
      this.#crowds.set(host, crowd);
    }
    return this.#random.pick(crowd);
  }

  keysOf(rule: WrittenRule): readonly PlacementKey[] {
    let keys = this.#keys.get(rule);
    if (keys === undefined) {
      const parse = this.#modules.parse.parseRule(ruleText(rule), "http");
      if (!parse.ok) throw new Error(`${ruleText(rule)}: ${parse.problem.message}`);
      keys = this.#modules.placement.placementKeys(parse.rule);
      this.#keys.set(rule, keys);
    }
    return keys;
  }
}

/** An index with its placements, as a state keeps them. */
class Subject {
  readonly #modules: RoutingModules;
  readonly #rules: RulePool;
  readonly #index: InstanceType<RoutingModules["index"]["RoutingIndex"]>;
  readonly #placements = new Map<
    string,
    readonly InstanceType<RoutingModules["placement"]["Placement"]>[]
  >();

  constructor(modules: RoutingModules, rules: RulePool) {
    this.#modules = modules;
    this.#rules = rules;
    this.#index = new modules.index.RoutingIndex<Route>();
  }

  add({ name, priority, precedence, rule }: NaiveRoute): void {
    const { placement, route } = this.#modules;
    const compact: Route = { name, priority: route.compactPriority(priority), precedence };
    const placements = this.#rules
      .keysOf(rule)
      .map((key) => new placement.Placement<Route>(compact, key));
    for (const each of placements) this.#index.add(each);
    this.#placements.set(name, placements);
  }

  remove(name: string): void {
    for (const each of this.#placements.get(name) ?? []) this.#index.remove(each);
    this.#placements.delete(name);
  }

  find(facts: RequestFacts): string | undefined {
    const host = this.#modules.host.canonicalHost(facts.host);
    return this.#index.find({ ...facts, host })?.name;
  }
}

function describe(
  routes: Iterable<NaiveRoute>,
  facts: RequestFacts,
  expected: string | undefined,
  found: string | undefined,
): string {
  const shown = [...routes].map(
    ({ name, priority, precedence, rule }) =>
      `  ${name} priority ${priority} precedence ${precedence}: ${ruleText(rule)}`,
  );
  const { requestHeaders: _, ...rest } = facts;
  return `expected ${expected}, found ${found} for ${JSON.stringify(rest)} among\n${shown.join("\n")}`;
}
