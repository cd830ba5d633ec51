import type { TcpRouterConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import { plainTcpRule } from "../../config-model/rule/plain-tcp-rule.ts";
import type { Matcher, Rule } from "../../config-model/rule/rule.ts";
import { encodeRule } from "../../config-model/snapshot/rule-codec.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { TcpRouterTls } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  type CompiledContent,
  invalid,
  out,
  type Problem,
  selectEntryPoints,
} from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { type ProviderPrecedence, routerPriority } from "./router-priority.ts";
import { qualifiedTlsOptions } from "./router-tls.ts";
import { invalidRule } from "./rule-problem.ts";

export function compileTcpRouter(
  key: ObjectKey,
  config: TcpRouterConfig,
  precedence: ProviderPrecedence,
): CompiledContent {
  const { rule: text, service } = config;
  if (text === undefined || text === "") {
    return out("invalid-value", `Cannot use ${describeObject(key)}: it has no rule`);
  }
  if (service === undefined || service === "") {
    return out("invalid-value", `Cannot use ${describeObject(key)}: it has no service`);
  }
  const parsed = parseRule(text, "tcp");
  if (!parsed.ok) return invalidRule(key, text, parsed.problem);
  const rule = config.tls === undefined ? ruleWithoutTls(key, parsed.rule) : { rule: parsed.rule };
  if ("kind" in rule) return rule;
  const rank = routerPriority(key, config.priority, text, parsed.rule, precedence);
  if (!rank.ok) return rank.content;
  return {
    kind: "usable",
    body: {
      $case: "tcpRouter",
      value: {
        entryPoints: [],
        rule: encodeRule(rule.rule),
        priority: rank.priority,
        precedence: rank.precedence,
        service: qualifiedReference(service, providerOf(key)),
        tls: tlsOf(key, config),
      },
    },
    entryPoints: selectEntryPoints(config.entryPoints),
    problems: rule.problems ?? [],
  };
}

/** Each router has its own, whatever others for the same host have: unlike HTTP's it is known before the handshake. */
function tlsOf(key: ObjectKey, { tls }: TcpRouterConfig): TcpRouterTls | undefined {
  if (tls === undefined) return undefined;
  const { passthrough } = tls;
  return { options: passthrough ? "" : qualifiedTlsOptions(tls.options, key), passthrough };
}

interface UsableRule {
  readonly rule: Rule;
  readonly problems?: readonly Problem[];
}

/** Such connections name no server and offer no protocol. */
function ruleWithoutTls(key: ObjectKey, rule: Rule): UsableRule | CompiledContent {
  const serverName = serverNameIn(rule);
  if (serverName !== undefined) {
    return invalid(
      "invalid-rule",
      `Cannot use ${describeObject(key)}: HostSNI(\`${shownText(serverName)}\`) needs TLS, and the router has none`,
      { hint: "a router without TLS takes HostSNI(`*`)", field: ["rule"] },
    );
  }
  const plain = plainTcpRule(rule);
  if (plain.rule === undefined) {
    const [matcher] = plain.neverMatching;
    const subject = matcher === undefined ? "its rule" : shownMatcher(matcher);
    return invalid(
      "invalid-rule",
      `Cannot use ${describeObject(key)}: ${subject} needs TLS, and the router has none`,
      { hint: "without TLS the rule can never match", field: ["rule"] },
    );
  }
  const problems = plain.neverMatching.map((matcher) => neverMatches(key, matcher));
  return { rule: plain.rule, problems };
}

function neverMatches(key: ObjectKey, matcher: Matcher): Problem {
  return {
    severity: "warning",
    code: "invalid-rule",
    message: `Cannot honour ${shownMatcher(matcher)} of ${describeObject(key)}: it needs TLS, and the router has none`,
    hint: "the rest of the rule is served",
    field: ["rule"],
  };
}

function shownMatcher({ name, arguments: [argument = ""], negated }: Matcher): string {
  return `${negated ? "!" : ""}${name}(\`${shownText(argument)}\`)`;
}

/** The first `HostSNI` argument that is not the catch-all. */
function serverNameIn(rule: Rule): string | undefined {
  if (rule.kind === "matcher") {
    const [name] = rule.arguments;
    return rule.name === "HostSNI" && name !== "*" ? name : undefined;
  }
  for (const inner of rule.rules) {
    const found = serverNameIn(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}
