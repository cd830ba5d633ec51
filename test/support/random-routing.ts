/** A small world of rules and requests, so that rules overlap, tie and shadow each other. */
import type { HttpMatcherName } from "../../config-model/rule/rule.ts";
import { HeaderList } from "../../data-plane/http/header-list.ts";
import type { RequestFacts } from "../../data-plane/routing/request-facts.ts";
import { type NaiveRoute, ruleText, type WrittenRule } from "./naive-routing.ts";
import type { SeededRandom } from "./seeded-random.ts";

const hosts = ["a.test", "b.test", "x.a.test", "y.a.test", "test", "long.name.example.com"];
const hostPatterns = [
  ...hosts,
  ...["A.Test", "b.test.", "*", "*.a.test", "*.A.test.", "*.test", "*.name.example.com"],
];
const paths = ["/", "/a", "/ab", "/a/", "/a/b", "/a/bc", "/b", "/b/c/d", "/ä", "/abc/def/ghi"];
const prefixes = [...paths, "/a/b/", "/abc", "/abc/d", "/b/c"];
const methods = ["GET", "POST", "get"];
const peers = ["10.0.0.1", "10.0.1.1", "192.168.7.9", "2001:db8::1", "::1"];
const ranges = ["10.0.0.1", "10.0.0.0/16", "192.168.0.0/24", "2001:db8::/32", "::1", "0.0.0.0/0"];
const strangeHosts = ["", "z.test", ".test", "x.y.a.test", "a.test.", "X.A.Test", "b.test:8080"];
const queries = ["", "?q", "?q=1", "?q=&r=a+b", "?x=2&q=12", "?r=a%20b", "?q=%zz"];
/** Few values, so that ties are common; the largest cannot be told apart as numbers. */
const priorities = [1n, 2n, 3n, -1n, 9_223_372_036_854_775_806n, 9_223_372_036_854_775_807n];

export function randomRoute(random: SeededRandom, name: string, rule: WrittenRule): NaiveRoute {
  const priority = random.chance(0.5)
    ? random.pick(priorities)
    : BigInt(Buffer.byteLength(ruleText(rule)));
  return { name, priority, precedence: random.below(2), rule };
}

export function randomRule(random: SeededRandom, depth = 3): WrittenRule {
  if (depth === 0 || random.chance(0.35)) {
    const rule = randomMatcher(random);
    return random.chance(0.15) ? { kind: "not", rule } : rule;
  }
  const kind = random.pick(["all", "all", "any"] as const);
  const rules = Array.from({ length: 2 + random.below(2) }, () => randomRule(random, depth - 1));
  return random.chance(0.1) ? { kind: "not", rule: { kind, rules } } : { kind, rules };
}

/** Many of these on one host: that is where paths are looked up. */
export function randomPathRule(random: SeededRandom, host: string): WrittenRule {
  const path = random.chance(0.7)
    ? matcher("PathPrefix", random.pick(prefixes))
    : matcher("Path", random.pick(paths));
  const rules: WrittenRule[] = host === "*" ? [path] : [matcher("Host", host), path];
  if (random.chance(0.2)) rules.push(matcher("Method", random.pick(methods)));
  return { kind: "all", rules };
}

export function randomHostPattern(random: SeededRandom): string {
  return random.pick(hostPatterns);
}

export function randomFacts(random: SeededRandom): RequestFacts {
  const requestHeaders = new HeaderList();
  if (random.chance(0.5)) requestHeaders.append("X-Tag", random.pick(["red", "blue", "re"]));
  if (random.chance(0.2)) requestHeaders.append("x-tag", "blue");
  const path = random.pick(paths);
  return {
    method: random.pick(methods),
    host: random.pick(random.chance(0.15) ? strangeHosts : hosts),
    routingPath: random.chance(0.3) ? path + random.pick(["x", "/b", ""]) : path,
    query: random.pick(queries),
    requestHeaders,
    peerAddress: random.pick(peers),
  };
}

function randomMatcher(random: SeededRandom): WrittenRule {
  const kind = random.below(100);
  if (kind < 30) return matcher("Host", random.pick(hostPatterns));
  if (kind < 45) return matcher("Path", random.pick(paths));
  if (kind < 70) return matcher("PathPrefix", random.pick(prefixes));
  if (kind < 76) return matcher("Method", random.pick(methods));
  if (kind < 81)
    return matcher("Header", random.pick(["x-tag", "X-TAG"]), random.pick(["red", "blue"]));
  if (kind < 85) return matcher("HeaderRegexp", "X-Tag", random.pick(["^r", "e$"]));
  if (kind < 89) return matcher("Query", ...random.pick([["q"], ["q", "1"], ["r", "a b"]]));
  if (kind < 91) return matcher("QueryRegexp", ...random.pick([["q", "^[0-9]+$"], ["q"]]));
  if (kind < 95) return matcher("ClientIP", random.pick(ranges));
  if (kind < 98) return matcher("HostRegexp", random.pick(["^[ab]\\.test$", "test"]));
  return matcher("PathRegexp", random.pick(["^/a+", "b$"]));
}

function matcher(name: HttpMatcherName, ...values: readonly string[]): WrittenRule {
  return { kind: "matcher", name, arguments: values };
}
