/** Routing as it is defined, not as it is done: every rule of every route, in order. */
import { BlockList, isIP } from "node:net";
import type { Matcher, Rule } from "../../config-model/rule/rule.ts";
import type { RequestFacts } from "../../data-plane/routing/request-facts.ts";

export interface NaiveRoute {
  readonly name: string;
  readonly priority: bigint;
  readonly precedence: number;
  readonly rule: Rule;
}

export function naiveOrder(routes: Iterable<NaiveRoute>): NaiveRoute[] {
  return [...routes].sort((a, b) => {
    if (a.priority !== b.priority) return a.priority > b.priority ? -1 : 1;
    if (a.precedence !== b.precedence) return a.precedence < b.precedence ? -1 : 1;
    return a.name < b.name ? -1 : 1;
  });
}

export function naiveWinner(
  ordered: readonly NaiveRoute[],
  facts: RequestFacts,
): string | undefined {
  return ordered.find((route) => naiveMatch(route.rule, facts))?.name;
}

function naiveMatch(rule: Rule, facts: RequestFacts): boolean {
  if (rule.kind === "all") return rule.rules.every((each) => naiveMatch(each, facts));
  if (rule.kind === "any") return rule.rules.some((each) => naiveMatch(each, facts));
  return matcherHolds(rule, facts) !== rule.negated;
}

function matcherHolds({ name, arguments: values }: Matcher, facts: RequestFacts): boolean {
  const [first = "", second] = values;
  switch (name) {
    case "Host": {
      if (first === "*") return true;
      const labels = facts.host.split(".");
      if (!first.startsWith("*.")) return facts.host !== "" && facts.host === first;
      return labels[0] !== "" && labels.length > 1 && `*.${labels.slice(1).join(".")}` === first;
    }
    case "HostRegexp":
      return new RegExp(first).test(facts.host);
    case "Path":
      return facts.routingPath === first;
    case "PathPrefix":
      return facts.routingPath.indexOf(first) === 0;
    case "PathRegexp":
      return new RegExp(first).test(facts.routingPath);
    case "Method":
      return facts.method === first;
    case "Header":
      return headerValues(facts, first).includes(second ?? "");
    case "HeaderRegexp":
      return headerValues(facts, first).some((value) => new RegExp(second ?? "").test(value));
    case "Query":
      return new URLSearchParams(facts.query).getAll(first).includes(second ?? "");
    case "QueryRegexp":
      return new URLSearchParams(facts.query)
        .getAll(first)
        .some((value) => (second === undefined ? value === "" : new RegExp(second).test(value)));
    case "ClientIP":
      return blockListOf(first).check(
        facts.peerAddress,
        isIP(facts.peerAddress) === 6 ? "ipv6" : "ipv4",
      );
    case "HostSNI":
    case "HostSNIRegexp":
    case "ALPN":
      return false;
  }
}

function headerValues({ requestHeaders }: RequestFacts, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < requestHeaders.length; i += 1) {
    if (requestHeaders.lowerNameAt(i) === lowerName) values.push(requestHeaders.valueAt(i));
  }
  return values;
}

const blockLists = new Map<string, BlockList>();

function blockListOf(range: string): BlockList {
  let list = blockLists.get(range);
  if (list === undefined) {
    list = new BlockList();
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
    blockLists.set(range, list);
  }
  return list;
}
