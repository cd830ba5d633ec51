import assert from "node:assert/strict";
import { test } from "node:test";
import * as parse from "../../config-model/rule/parse-rule.ts";
import { importMutated, type Mutation } from "../../test/support/mutated-modules.ts";
import { type NaiveRoute, ruleText, type WrittenRule } from "../../test/support/naive-routing.ts";
import { firstDifference, type RoutingModules } from "../../test/support/routing-property.ts";
import * as host from "../http/canonical-host.ts";
import * as placement from "./placement.ts";
import * as route from "./route.ts";
import * as index from "./routing-index.ts";

const setCount = Number(process.env["SWITCHYARD_TEST_ROUTING_SETS"] ?? 100_000);

/** What the decisions were about, so that a change of the random world cannot quietly make them all alike. */
class Distribution {
  readonly #counts = new Map<string, number>();
  total = 0;

  observe(matching: readonly NaiveRoute[], routeCount: number): void {
    this.total += 1;
    const [winner, second] = matching;
    if (routeCount > 8) this.#count("among more than 8 routes");
    if (winner === undefined) {
      this.#count("no match");
      return;
    }
    const isDefault = winner.priority === BigInt(Buffer.byteLength(ruleText(winner.rule)));
    this.#count(isDefault ? "won by default priority" : "won by explicit priority");
    if (winner.priority > 1n << 53n) this.#count("won by more than a double can tell");
    for (const kind of new Set(matchersOf(winner.rule))) this.#count(`winner has ${kind}`);
    if (second?.priority !== winner.priority) return;
    this.#count(
      second.precedence === winner.precedence ? "tie settled by name" : "tie settled by provider",
    );
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  share(what: string): number {
    return (this.#counts.get(what) ?? 0) / this.total;
  }

  toString(): string {
    return [...this.#counts.keys()]
      .sort()
      .map((what) => `${what} ${(this.share(what) * 100).toFixed(1)} %`)
      .join(", ");
  }
}

function matchersOf(rule: WrittenRule): string[] {
  switch (rule.kind) {
    case "matcher":
      return [rule.arguments[0]?.startsWith("*.") === true ? "Host(*.)" : rule.name];
    case "not":
      return ["negation", ...matchersOf(rule.rule)];
    case "all":
    case "any":
      return rule.rules.flatMap(matchersOf);
  }
}

test(`RoutingIndex finds the winner of a scan in order, through ${setCount} random rule sets`, (t) => {
  const seen = new Distribution();
  const difference = firstDifference({ parse, host, placement, route, index }, setCount, (...of) =>
    seen.observe(of[1], of[2]),
  );
  if (difference !== undefined) assert.fail(difference.description);
  t.diagnostic(`${seen.total} decisions: ${seen}`);
  for (const [what, least] of [
    ["no match", 0.1],
    ["won by default priority", 0.15],
    ["won by explicit priority", 0.15],
    ["won by more than a double can tell", 0.05],
    ["tie settled by name", 0.005],
    ["tie settled by provider", 0.005],
    ["among more than 8 routes", 0.05],
    ["winner has negation", 0.1],
    ...["Host", "Host(*.)", "Path", "PathPrefix", "Method", "Header", "Query", "ClientIP"].map(
      (name) => [`winner has ${name}`, 0.02] as const,
    ),
    ...["HostRegexp", "PathRegexp", "HeaderRegexp", "QueryRegexp"].map(
      (name) => [`winner has ${name}`, 0.01] as const,
    ),
  ] as const) {
    assert(seen.share(what) >= least, `${what}: ${seen.share(what)}`);
  }
});

const folder = "data-plane/routing";
const mutations: readonly (Mutation & { readonly name: string })[] = [
  {
    name: "wildcards are skipped",
    file: `${folder}/routing-index.ts`,
    replace: "if (this.#wildcard.size > 0)",
    by: "if (this.#wildcard.size < 0)",
  },
  {
    name: "a wildcard stands for several labels",
    file: `${folder}/host-pattern.ts`,
    replace: 'host.indexOf(".")',
    by: 'host.lastIndexOf(".")',
  },
  {
    name: "an exact host comes before all others",
    file: `${folder}/routing-index.ts`,
    replace: "if (wildcard !== undefined)",
    by: "if (wildcard !== undefined && best === undefined)",
  },
  {
    name: "rules without a host come last",
    file: `${folder}/routing-index.ts`,
    replace: "if (this.#anyHost !== undefined) best =",
    by: "if (this.#anyHost !== undefined && best === undefined) best =",
  },
  {
    name: "ties between hosts are ignored",
    file: `${folder}/placement.ts`,
    replace: "return compareRoutes(this.route, other.route) < 0;",
    by: "return false;",
  },
  {
    name: "ties by name are settled the other way round",
    file: `${folder}/route.ts`,
    replace: "a.name < b.name ? -1 : 1",
    by: "a.name < b.name ? 1 : -1",
  },
  {
    name: "precedence is ignored",
    file: `${folder}/route.ts`,
    replace: "if (a.precedence !== b.precedence) return a.precedence - b.precedence;",
    by: "",
  },
  {
    name: "priorities are compared as doubles",
    file: `${folder}/route.ts`,
    replace: "Number.isSafeInteger(number) ? number : priority",
    by: "number",
  },
  {
    name: "a prefix is taken by segment",
    file: `${folder}/placement.ts`,
    replace: "facts.routingPath.startsWith(this.path)",
    by: "(facts.routingPath + '/').startsWith(this.path.replace(/[/]?$/, '/'))",
  },
  {
    name: "an exact path is taken for a prefix",
    file: `${folder}/placement.ts`,
    replace: "facts.routingPath === this.path",
    by: "facts.routingPath.startsWith(this.path)",
  },
  {
    name: "the longest prefix wins whatever its priority",
    file: `${folder}/path-table.ts`,
    replace: "best.priority > (bounds[i] ?? 0)",
    by: "best !== incumbent",
  },
  {
    name: "the search for prefixes stops at a tie",
    file: `${folder}/path-table.ts`,
    replace: "best.priority > (bounds[i] ?? 0)",
    by: "best.priority >= (bounds[i] ?? 0)",
  },
  {
    name: "negation is dropped",
    file: `${folder}/rule-matcher.ts`,
    replace: "rule.negated ? (facts) => !matches(facts) : matches",
    by: "matches",
  },
  {
    name: "a negated host is looked up as if it were none",
    file: `${folder}/rule-alternatives.ts`,
    replace: "!rule.negated && rule.name === name",
    by: "rule.name === name",
  },
  {
    name: "negation does not turn `and` into `or`",
    file: "config-model/rule/parse-rule.ts",
    replace: 'negated ? "any" : "all"',
    by: '"all"',
  },
  {
    name: "only the first alternative is placed",
    file: `${folder}/rule-alternatives.ts`,
    replace: "rule.rules.flatMap(ruleAlternatives)",
    by: "rule.rules.slice(0, 1).flatMap(ruleAlternatives)",
  },
  {
    name: "a trailing dot is part of the host",
    file: "data-plane/http/canonical-host.ts",
    replace: 'name.endsWith(".") ? name.slice(0, -1) : name',
    by: "name",
  },
  {
    name: "hosts are compared by case",
    file: "data-plane/http/canonical-host.ts",
    replace: ".toLowerCase()",
    by: "",
  },
  {
    name: "an empty host is a host",
    file: `${folder}/host-pattern.ts`,
    replace: "dot <= 0",
    by: "dot < 0",
  },
  {
    name: "a host that was remembered outlives a change",
    file: `${folder}/routing-index.ts`,
    replace: "this.#repeated = undefined;",
    by: "",
  },
  {
    name: "what lies behind a deleted text is lost",
    file: `${folder}/text-table.ts`,
    replace: "if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue;",
    by: "if (home === home) continue;",
  },
  {
    name: "a deleted text takes its neighbours out of the filter",
    file: `${folder}/text-table.ts`,
    replace: "bits |= bitOf(hash)",
    by: "bits |= 0",
  },
  {
    name: "a removed prefix takes its length away from others",
    file: `${folder}/prefix-lengths.ts`,
    replace: "if (kind.count > 0) return;",
    by: "",
  },
];

for (const mutation of mutations) {
  test(`the scan in order tells when ${mutation.name}`, async (t) => {
    const [parse, host, placement, route, index] = (await importMutated(
      [mutation],
      [
        "config-model/rule/parse-rule.ts",
        "data-plane/http/canonical-host.ts",
        `${folder}/placement.ts`,
        `${folder}/route.ts`,
        `${folder}/routing-index.ts`,
      ],
    )) as [
      RoutingModules["parse"],
      RoutingModules["host"],
      RoutingModules["placement"],
      RoutingModules["route"],
      RoutingModules["index"],
    ];
    const difference = firstDifference({ parse, host, placement, route, index }, setCount);
    assert(difference !== undefined, `nothing was noticed in ${setCount} sets`);
    t.diagnostic(`after ${difference.sets} sets`);
  });
}
