/** Maps a parsed rule to its wire form and back; both are trees of the same shape. */
import {
  MatcherKind,
  type Matcher as MatcherMessage,
  type Rule as RuleMessage,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { MatcherName, Rule } from "../rule/rule.ts";

const kindOfName: Readonly<Record<MatcherName, MatcherKind>> = {
  Host: MatcherKind.HOST,
  HostRegexp: MatcherKind.HOST_REGEXP,
  Path: MatcherKind.PATH,
  PathPrefix: MatcherKind.PATH_PREFIX,
  PathRegexp: MatcherKind.PATH_REGEXP,
  Method: MatcherKind.METHOD,
  Header: MatcherKind.HEADER,
  HeaderRegexp: MatcherKind.HEADER_REGEXP,
  Query: MatcherKind.QUERY,
  QueryRegexp: MatcherKind.QUERY_REGEXP,
  ClientIP: MatcherKind.CLIENT_IP,
  HostSNI: MatcherKind.HOST_SNI,
  HostSNIRegexp: MatcherKind.HOST_SNI_REGEXP,
  ALPN: MatcherKind.ALPN,
};

const nameOfKind: ReadonlyMap<number, MatcherName> = new Map(
  (Object.keys(kindOfName) as MatcherName[]).map((name) => [kindOfName[name], name]),
);

/** A rule this program cannot evaluate: the resource that holds it is to be rejected, never served without it. */
class UnknownRuleError extends Error {
  override readonly name = "UnknownRuleError";
}

export function encodeRule(rule: Rule): RuleMessage {
  switch (rule.kind) {
    case "all":
      return { node: { $case: "all", value: { rules: rule.rules.map(encodeRule) } } };
    case "any":
      return { node: { $case: "any", value: { rules: rule.rules.map(encodeRule) } } };
    case "matcher":
      return {
        node: {
          $case: "matcher",
          value: {
            kind: kindOfName[rule.name],
            arguments: [...rule.arguments],
            negated: rule.negated,
          },
        },
      };
  }
}

/** Throws `UnknownRuleError` for what a newer control plane may say and this program does not know. */
export function decodeRule({ node }: RuleMessage): Rule {
  switch (node?.$case) {
    case "all":
    case "any":
      return { kind: node.$case, rules: node.value.rules.map(decodeRule) };
    case "matcher":
      return decodeMatcher(node.value);
    case undefined:
      throw new UnknownRuleError("Cannot use rule: it has a part of an unknown kind");
  }
}

function decodeMatcher({ kind, arguments: values, negated }: MatcherMessage): Rule {
  const name = nameOfKind.get(kind);
  if (name === undefined) throw new UnknownRuleError(`Cannot use rule: matcher ${kind} is unknown`);
  return { kind: "matcher", name, arguments: values, negated };
}
