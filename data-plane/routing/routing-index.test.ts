import assert from "node:assert/strict";
import { test } from "node:test";
import type { Matcher, MatcherName, Rule } from "../../config-model/rule/rule.ts";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { type NaiveRoute, naiveOrder, naiveWinner } from "../../test/support/naive-routing.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { HeaderList } from "../http/header-list.ts";
import { Placement, placementKeys } from "./placement.ts";
import type { RequestFacts } from "./request-facts.ts";
import { compactPriority, type Route } from "./route.ts";
import { RoutingIndex } from "./routing-index.ts";

const setCount = Number(process.env["SWITCHYARD_TEST_ROUTING_SETS"] ?? 20_000);

/** An index with its placements, as a state keeps them. */
class KeptIndex {
  readonly index = new RoutingIndex<Route>();
  readonly #placements = new Map<string, readonly Placement<Route>[]>();

  add({ name, priority, precedence, rule }: NaiveRoute): void {
    const route: Route = { name, priority: compactPriority(priority), precedence };
    const placements = placementKeys(rule).map((key) => new Placement(route, key));
    for (const placement of placements) this.index.add(placement);
    this.#placements.set(name, placements);
  }

  remove(name: string): void {
    for (const placement of this.#placements.get(name) ?? []) this.index.remove(placement);
  }
}

function factsOf(fields: Partial<RequestFacts> = {}): RequestFacts {
  return {
    method: "GET",
    host: "a.test",
    routingPath: "/",
    query: "",
    requestHeaders: new HeaderList(),
    peerAddress: "10.0.0.1",
    ...fields,
  };
}

function matcher(name: MatcherName, values: readonly string[], negated = false): Matcher {
  return { kind: "matcher", name, arguments: values, negated };
}

// A small world, so that rules overlap, tie and shadow each other.
const hosts = ["a.test", "b.test", "x.a.test", "y.a.test", "test", "long.name.example.com"];
const hostPatterns = [...hosts, "*", "*.a.test", "*.test", "*.name.example.com"];
const paths = ["/", "/a", "/ab", "/a/", "/a/b", "/a/bc", "/b", "/b/c/d", "/ä", "/abc/def/ghi"];
const prefixes = [...paths, "/a/b/", "/abc", "/abc/d", "/b/c"];
const methods = ["GET", "POST", "get"];
const peers = ["10.0.0.1", "10.0.1.1", "192.168.7.9", "2001:db8::1", "::1"];
const ranges = ["10.0.0.1", "10.0.0.0/16", "192.168.0.0/24", "2001:db8::/32", "::1", "0.0.0.0/0"];

function randomMatcher(random: SeededRandom): Matcher {
  const negated = random.chance(0.15);
  const kind = random.below(100);
  if (kind < 30) return matcher("Host", [random.pick(hostPatterns)], negated);
  if (kind < 45) return matcher("Path", [random.pick(paths)], negated);
  if (kind < 70) return matcher("PathPrefix", [random.pick(prefixes)], negated);
  if (kind < 76) return matcher("Method", [random.pick(methods)], negated);
  if (kind < 81) return matcher("Header", ["x-tag", random.pick(["red", "blue"])], negated);
  if (kind < 85) return matcher("HeaderRegexp", ["x-tag", random.pick(["^r", "e$"])], negated);
  if (kind < 89) return matcher("Query", random.pick([["q"], ["q", "1"], ["r", "a b"]]), negated);
  if (kind < 91) return matcher("QueryRegexp", ["q", "^[0-9]+$"], negated);
  if (kind < 95) return matcher("ClientIP", [random.pick(ranges)], negated);
  if (kind < 98) return matcher("HostRegexp", [random.pick(["^[ab]\\.test$", "test"])], negated);
  return matcher("PathRegexp", [random.pick(["^/a+", "b$"])], negated);
}

function randomRule(random: SeededRandom, depth: number): Rule {
  if (depth === 0 || random.chance(0.35)) return randomMatcher(random);
  const kind = random.pick(["all", "all", "any"] as const);
  const rules = Array.from({ length: 2 + random.below(2) }, () => randomRule(random, depth - 1));
  return { kind, rules };
}

function randomRoute(random: SeededRandom, name: string): NaiveRoute {
  return {
    name,
    // Few values, so that ties are common; the largest cannot be told apart as numbers.
    priority: random.pick([
      1n,
      2n,
      3n,
      -1n,
      9_223_372_036_854_775_806n,
      9_223_372_036_854_775_807n,
    ]),
    precedence: random.below(2),
    rule: randomRule(random, 3),
  };
}

function randomFacts(random: SeededRandom): RequestFacts {
  const requestHeaders = new HeaderList();
  if (random.chance(0.5)) requestHeaders.append("X-Tag", random.pick(["red", "blue", "re"]));
  if (random.chance(0.2)) requestHeaders.append("x-tag", "blue");
  return {
    method: random.pick(methods),
    host: random.chance(0.1)
      ? random.pick(["", "z.test", ".test", "x.y.a.test"])
      : random.pick(hosts),
    routingPath: random.chance(0.3)
      ? random.pick(paths) + random.pick(["x", "/b", ""])
      : random.pick(paths),
    query: random.pick(["", "?q", "?q=1", "?q=&r=a+b", "?x=2&q=12", "?r=a%20b", "?q=%zz"]),
    requestHeaders,
    peerAddress: random.pick(peers),
  };
}

test(`RoutingIndex finds the winner of a scan in order, through ${setCount} random rule sets`, (t) => {
  const random = new SeededRandom(20_261_124);
  let [decisions, winners, edits, largest] = [0, 0, 0, 0];
  for (let set = 0; set < setCount; set += 1) {
    const routes = new Map<string, NaiveRoute>();
    const kept = new KeptIndex();
    const size = random.chance(0.1) ? 10 + random.below(40) : 1 + random.below(8);
    const put = (name: string) => {
      kept.remove(name);
      const route = randomRoute(random, name);
      routes.set(name, route);
      kept.add(route);
    };
    for (let i = 0; i < size; i += 1) put(`route-${random.below(1_000)}`);
    for (let i = random.below(6); i > 0; i -= 1) {
      const name = random.pick([...routes.keys()]);
      if (routes.size > 1 && random.chance(0.5)) {
        kept.remove(name);
        routes.delete(name);
      } else put(name);
      edits += 1;
    }
    largest = Math.max(largest, routes.size);
    const ordered = naiveOrder(routes.values());
    for (let i = 0; i < 3; i += 1) {
      const facts = randomFacts(random);
      const expected = naiveWinner(ordered, facts);
      const found = kept.index.find(facts)?.name;
      if (found !== expected) assert.fail(describe(set, routes, facts, expected, found));
      decisions += 1;
      if (expected !== undefined) winners += 1;
    }
  }
  t.diagnostic(
    `${decisions} decisions, ${winners} with a winner, ${edits} edits, up to ${largest} routes`,
  );
  assert(winners > decisions / 4, "most requests must find a route, or little is tested");
});

function describe(
  set: number,
  routes: ReadonlyMap<string, NaiveRoute>,
  facts: RequestFacts,
  expected: string | undefined,
  found: string | undefined,
): string {
  const asText = (value: unknown) =>
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === "bigint" ? each.toString() : each,
    );
  const shown = [...routes.values()].map(asText).join("\n");
  return `set ${set}: expected ${expected}, found ${found} for ${asText(facts)} among\n${shown}`;
}

/** Facts that count how often they are looked at. */
function countedFacts(fields: Partial<RequestFacts>) {
  const count = { pathReads: 0 };
  const facts = factsOf(fields);
  const { routingPath } = facts;
  Object.defineProperty(facts, "routingPath", {
    get: () => {
      count.pathReads += 1;
      return routingPath;
    },
  });
  return { facts, count };
}

function routesAt(total: number): KeptIndex {
  const kept = new KeptIndex();
  const add = (name: string, text: string) =>
    kept.add({ name, priority: BigInt(text.length), precedence: 0, rule: ruleOf(text) });
  for (let i = 0; i < total; i += 1) {
    add(`host-${i}`, `Host(\`h${i}.test\`) && PathPrefix(\`/api\`)`);
    add(`wild-${i}`, `Host(\`*.w${i}.test\`)`);
    add(`path-${i}`, `Host(\`one.test\`) && PathPrefix(\`/tenant-${i}/\`)`);
    add(`any-${i}`, `Path(\`/exact/${i}\`)`);
  }
  return kept;
}

test("RoutingIndex compares as often among 4,000 routes as among 400", () => {
  const [small, large] = [routesAt(100), routesAt(1_000)];
  for (const fields of [
    { host: "h77.test", routingPath: "/api/x" },
    { host: "any.w77.test", routingPath: "/" },
    { host: "one.test", routingPath: "/tenant-77/x" },
    { host: "nowhere.test", routingPath: "/exact/77" },
    { host: "nowhere.test", routingPath: "/nothing" },
  ]) {
    const [before, after] = [countedFacts(fields), countedFacts(fields)];
    assert.equal(
      small.index.find(before.facts)?.name,
      large.index.find(after.facts)?.name,
      fields.routingPath,
    );
    assert.equal(after.count.pathReads, before.count.pathReads, fields.routingPath);
    assert(after.count.pathReads <= 6, `${after.count.pathReads} reads of the path`);
  }
});

test("RoutingIndex is empty again after everything was removed", () => {
  const kept = new KeptIndex();
  const names = Array.from({ length: 30 }, (_, i) => `r${i}`);
  for (const [i, name] of names.entries()) {
    const rule = ruleOf(
      `(Host(\`a.test\`) || Host(\`*.a.test\`)) && PathPrefix(\`/p${i % 7}/${i}\`)`,
    );
    kept.add({ name, priority: 1n, precedence: 0, rule });
  }
  for (const name of names) kept.remove(name);
  for (const host of ["a.test", "x.a.test"]) {
    assert.equal(kept.index.find(factsOf({ host, routingPath: "/p1/1" })), undefined);
  }
});
