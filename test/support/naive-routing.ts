/** Routing as it is defined, not as it is done: every rule of every route, in order, as the operator wrote it. */
import { BlockList, isIP } from "node:net";
import type { HttpMatcherName } from "../../config-model/rule/rule.ts";
import type { RequestFacts } from "../../data-plane/routing/request-facts.ts";

/** A rule as it is written: nothing is normalised, negation may stand anywhere. */
export type WrittenRule =
  | { readonly kind: "all" | "any"; readonly rules: readonly WrittenRule[] }
  | { readonly kind: "not"; readonly rule: WrittenRule }
  | {
      readonly kind: "matcher";
      readonly name: HttpMatcherName;
      readonly arguments: readonly string[];
    };

export interface NaiveRoute {
  readonly name: string;
  readonly priority: bigint;
  readonly precedence: number;
  readonly rule: WrittenRule;
}

const texts = new WeakMap<WrittenRule, string>();

export function ruleText(rule: WrittenRule): string {
  let text = texts.get(rule);
  if (text === undefined) {
    text = written(rule);
    texts.set(rule, text);
  }
  return text;
}

function written(rule: WrittenRule): string {
  switch (rule.kind) {
    case "matcher":
      return `${rule.name}(${rule.arguments.map((value) => `\`${value}\``).join(", ")})`;
    case "not":
      return `!${rule.rule.kind === "matcher" ? ruleText(rule.rule) : `(${ruleText(rule.rule)})`}`;
    case "all":
    case "any":
      return rule.rules
        .map((each) =>
          each.kind === "all" || each.kind === "any" ? `(${ruleText(each)})` : ruleText(each),
        )
        .join(rule.kind === "all" ? " && " : " || ");
  }
}

export function naiveOrder(routes: Iterable<NaiveRoute>): NaiveRoute[] {
  return [...routes].sort((a, b) => {
    if (a.priority !== b.priority) return a.priority > b.priority ? -1 : 1;
    if (a.precedence !== b.precedence) return a.precedence < b.precedence ? -1 : 1;
    return a.name < b.name ? -1 : 1;
  });
}

export function naiveMatch(rule: WrittenRule, facts: RequestFacts): boolean {
  switch (rule.kind) {
    case "all":
      return rule.rules.every((each) => naiveMatch(each, facts));
    case "any":
      return rule.rules.some((each) => naiveMatch(each, facts));
    case "not":
      return !naiveMatch(rule.rule, facts);
    case "matcher":
      return matcherHolds(rule.name, rule.arguments, facts);
  }
}

/** `facts.host` is the Host as the client sent it. */
function matcherHolds(
  name: HttpMatcherName,
  values: readonly string[],
  facts: RequestFacts,
): boolean {
  const [first = "", second] = values;
  switch (name) {
    case "Host": {
      const [host, pattern] = [plainHost(facts.host), plainHost(first)];
      if (pattern === "*") return true;
      const labels = host.split(".");
      if (!pattern.startsWith("*.")) return host !== "" && host === pattern;
      return labels[0] !== "" && labels.length > 1 && `*.${labels.slice(1).join(".")}` === pattern;
    }
    case "HostRegexp":
      return regexpOf(first).test(plainHost(facts.host));
    case "Path":
      return facts.routingPath === first;
    case "PathPrefix":
      return facts.routingPath.indexOf(first) === 0;
    case "PathRegexp":
      return regexpOf(first).test(facts.routingPath);
    case "Method":
      return facts.method === first.toUpperCase();
    case "Header":
      return headerValues(facts, first.toLowerCase()).includes(second ?? "");
    case "HeaderRegexp":
      return headerValues(facts, first.toLowerCase()).some((value) =>
        regexpOf(second ?? "").test(value),
      );
    case "Query":
      return new URLSearchParams(facts.query).getAll(first).includes(second ?? "");
    case "QueryRegexp":
      return new URLSearchParams(facts.query)
        .getAll(first)
        .some((value) => (second === undefined ? value === "" : regexpOf(second).test(value)));
    case "ClientIP":
      return blockListOf(first).check(
        facts.peerAddress,
        isIP(facts.peerAddress) === 6 ? "ipv6" : "ipv4",
      );
  }
}

function plainHost(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
}

function headerValues({ requestHeaders }: RequestFacts, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < requestHeaders.length; i += 1) {
    if (requestHeaders.lowerNameAt(i) === lowerName) values.push(requestHeaders.valueAt(i));
  }
  return values;
}

const regexps = new Map<string, RegExp>();

function regexpOf(expression: string): RegExp {
  let regexp = regexps.get(expression);
  if (regexp === undefined) {
    regexp = new RegExp(expression);
    regexps.set(expression, regexp);
  }
  return regexp;
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
