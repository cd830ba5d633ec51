/**
 * What a TCP rule comes to for connections without TLS, as in Traefik: no protocol is offered, and the server name is
 * the empty text, in which some expressions are found.
 */
import { regexpAcceptsEmptyText } from "./regexp-problem.ts";
import type { Matcher, Rule } from "./rule.ts";

export interface PlainTcpRule {
  /** Without `ALPN` and `HostSNIRegexp`; absent when it can never match. */
  readonly rule: Rule | undefined;
  /** Matchers that look at the handshake and therefore never match, in the order of the text. */
  readonly neverMatching: readonly Matcher[];
}

export function plainTcpRule(rule: Rule): PlainTcpRule {
  const neverMatching: Matcher[] = [];
  const folded = fold(rule, neverMatching);
  if (folded === false) return { rule: undefined, neverMatching };
  return { rule: folded === true ? everyConnection : folded, neverMatching };
}

const everyConnection: Rule = {
  kind: "matcher",
  name: "HostSNI",
  arguments: ["*"],
  negated: false,
};

function fold(rule: Rule, neverMatching: Matcher[]): Rule | boolean {
  if (rule.kind === "matcher") {
    const matches = outcome(rule);
    if (matches === false) neverMatching.push(rule);
    return matches ?? rule;
  }
  /** Makes no difference to the others of this kind; its opposite decides. */
  const neutral = rule.kind === "all";
  const kept: Rule[] = [];
  let decided = false;
  for (const inner of rule.rules) {
    const folded = fold(inner, neverMatching);
    if (typeof folded !== "boolean") {
      kept.push(...(folded.kind === rule.kind ? folded.rules : [folded]));
    } else if (folded !== neutral) {
      decided = true;
    }
  }
  if (decided) return !neutral;
  const [first] = kept;
  if (first === undefined) return neutral;
  return kept.length === 1 ? first : { kind: rule.kind, rules: kept };
}

/** The same for every connection; absent: it depends. */
function outcome({ name, arguments: [argument = ""], negated }: Matcher): boolean | undefined {
  if (name === "ALPN") return negated;
  return name === "HostSNIRegexp" ? regexpAcceptsEmptyText(argument) !== negated : undefined;
}
