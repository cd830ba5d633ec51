import type { HttpRouterConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import { encodeRule } from "../../config-model/snapshot/rule-codec.ts";
import { type CompiledContent, out, selectEntryPoints } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { type ProviderPrecedence, routerPriority } from "./router-priority.ts";
import { invalidRule } from "./rule-problem.ts";

export function compileHttpRouter(
  key: ObjectKey,
  config: HttpRouterConfig,
  precedence: ProviderPrecedence,
): CompiledContent {
  const { rule: text, service } = config;
  if (text === undefined || text === "") {
    return out("invalid-value", `Cannot use ${describeObject(key)}: it has no rule`);
  }
  if (service === undefined || service === "") {
    return out("invalid-value", `Cannot use ${describeObject(key)}: it has no service`);
  }
  const parsed = parseRule(text, "http");
  if (!parsed.ok) return invalidRule(key, text, parsed.problem);
  const provider = providerOf(key);
  const rank = routerPriority(key, config.priority, text, parsed.rule, precedence);
  if (!rank.ok) return rank.content;
  const middlewares = config.middlewares.map((name) => qualifiedReference(name, provider));
  const serviceName = qualifiedReference(service, provider);
  return {
    kind: "usable",
    body: {
      $case: "httpRouter",
      value: {
        entryPoints: [],
        rule: encodeRule(parsed.rule),
        priority: rank.priority,
        precedence: rank.precedence,
        middlewares,
        service: serviceName,
        parents: [],
      },
    },
    entryPoints: selectEntryPoints(config.entryPoints),
    problems: [],
  };
}
