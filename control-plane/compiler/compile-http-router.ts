import type { HttpRouterConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import { ruleDomains } from "../../config-model/rule/rule-domains.ts";
import { encodeRule } from "../../config-model/snapshot/rule-codec.ts";
import { type CompiledContent, type Problem, selectEntryPoints } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { type ProviderPrecedence, routerPriority } from "./router-priority.ts";
import { routerTls } from "./router-tls.ts";
import { invalidRule } from "./rule-problem.ts";

export function compileHttpRouter(
  key: ObjectKey,
  config: HttpRouterConfig,
  precedence: ProviderPrecedence,
): CompiledContent {
  const { rule: text, service } = config;
  const provider = providerOf(key);
  const parents = qualifiedNames(config.parentRefs, provider);
  const misplaced = keysNoChildMayHave(config);
  if (misplaced.length > 0) {
    const problems = misplaced.map((path) => childProblem(key, path));
    return { kind: "out", problems, parents };
  }
  if (text === undefined || text === "") {
    const message = `Cannot use ${describeObject(key)}: it has no rule`;
    return {
      kind: "out",
      problems: [{ severity: "error", code: "invalid-value", message }],
      parents,
    };
  }
  const parsed = parseRule(text, "http");
  if (!parsed.ok) return invalidRule(key, text, parsed.problem);
  const rank = routerPriority(key, config.priority, text, parsed.rule, precedence);
  if (!rank.ok) return rank.content;
  const asked = config.tls && routerTls(key, config.tls.options, ruleDomains(parsed.rule));
  return {
    kind: "usable",
    body: {
      $case: "httpRouter",
      value: {
        entryPoints: [],
        rule: encodeRule(parsed.rule),
        priority: rank.priority,
        precedence: rank.precedence,
        middlewares: qualifiedNames(config.middlewares, provider),
        service: service ? qualifiedReference(service, provider) : "",
        parents,
        tls: asked && { options: asked.tls.options },
        defaultTlsOn: [],
      },
    },
    ...(parents.length === 0 && { entryPoints: selectEntryPoints(config.entryPoints) }),
    ...(asked !== undefined && { tls: asked.tls }),
    problems: asked?.problems ?? [],
  };
}

/** `problems`: why it is out. It goes on being a child, and its TLS options go on counting for its hosts. */
export function compileHttpRouterOut(
  key: ObjectKey,
  config: HttpRouterConfig,
  problems: readonly Problem[],
): CompiledContent {
  const parents = qualifiedNames(config.parentRefs, providerOf(key));
  const misplaced = keysNoChildMayHave(config).map((path) => childProblem(key, path));
  if (misplaced.length > 0) return { kind: "out", problems: misplaced, parents };
  const asked = parents.length === 0 ? tlsOf(key, config) : undefined;
  if (asked === undefined) return { kind: "out", problems, parents };
  const entryPoints = selectEntryPoints(config.entryPoints);
  return { kind: "out", problems: [...problems, ...asked.problems], entryPoints, tls: asked.tls };
}

function tlsOf(
  key: ObjectKey,
  { tls, rule: text }: HttpRouterConfig,
): ReturnType<typeof routerTls> | undefined {
  if (tls === undefined || text === undefined) return undefined;
  const parsed = parseRule(text, "http");
  return parsed.ok ? routerTls(key, tls.options, ruleDomains(parsed.rule)) : undefined;
}

/** What belongs to the router at the root: a child is behind its entry points, TLS and observability. */
function keysNoChildMayHave(config: HttpRouterConfig): readonly string[] {
  if (config.parentRefs.length === 0) return [];
  const keys: string[] = [];
  if (config.tls !== undefined) keys.push("tls");
  if (config.hasObservability) keys.push("observability");
  if (config.entryPoints !== undefined) keys.push("entryPoints");
  return keys;
}

function childProblem(key: ObjectKey, path: string): Problem {
  return {
    severity: "error",
    code: "invalid-value",
    message: `Cannot use ${describeObject(key)}: it has parentRefs, and a child router cannot have "${path}"`,
    field: [path],
    hint: `give "${path}" to the router at the root`,
  };
}

function qualifiedNames(names: readonly string[], provider: string): string[] {
  return names.map((name) => qualifiedReference(name, provider));
}
