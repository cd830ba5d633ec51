/** Where routers have the default TLS options, whatever they ask for, from the whole picture at once. */
import type {
  EntryPointConfig,
  HttpRouterConfig,
} from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import { ruleDomains } from "../../config-model/rule/rule-domains.ts";
import type { CompiledContent } from "../../control-plane/compiler/compiled-content.ts";

export interface NaiveTlsRouter {
  readonly key: ObjectKey;
  readonly config: HttpRouterConfig;
  readonly content: CompiledContent;
  readonly names: readonly string[];
  /** By entry point. */
  readonly given: ReadonlyMap<string, EntryPointConfig["http"]["tls"]>;
}

interface Use {
  readonly router: string;
  readonly entryPoint: string;
  readonly options: string;
  readonly hosts: readonly string[];
  readonly isOwn: boolean;
}

/** Ids of routers → entry points, in order. */
export function naiveDefaultTls(routers: readonly NaiveTlsRouter[]): Map<string, string[]> {
  const uses = routers.flatMap(usesOf);
  const together = (a: Use, b: Use) =>
    a.entryPoint === b.entryPoint && a.hosts.some((host) => b.hosts.includes(host));
  const isSetBack = new Set<Use>();
  for (const use of uses) {
    const hostless = use.hosts.length === 0 && use.options !== "default" && !use.isOwn;
    const contested = uses.some((other) => together(use, other) && other.options !== use.options);
    if (hostless || contested) isSetBack.add(use);
  }
  for (let before = -1; before < isSetBack.size; ) {
    before = isSetBack.size;
    for (const use of uses) {
      if (use.options === "default") continue;
      if ([...isSetBack].some((other) => together(use, other))) isSetBack.add(use);
    }
  }
  const found = new Map<string, string[]>();
  for (const { router, entryPoint } of isSetBack) {
    found.set(router, [...(found.get(router) ?? []), entryPoint].sort());
  }
  return found;
}

function usesOf({ key, config, content, names, given }: NaiveTlsRouter): Use[] {
  const provider = key.name.slice(key.name.lastIndexOf("@"));
  const parsed = parseRule(config.rule ?? "", "http");
  return names.flatMap((entryPoint): Use[] => {
    const own = config.tls;
    if (own !== undefined && (config.rule === undefined || !parsed.ok)) return [];
    const tls = own ?? given.get(entryPoint);
    if (tls === undefined || (own === undefined && content.kind === "out")) return [];
    const written = tls.options || "default";
    const isQualified = written === "default" || written.includes("@");
    return [
      {
        router: `httpRouter:${key.name}`,
        entryPoint,
        options: isQualified ? written : `${written}${provider}`,
        hosts: parsed.ok ? ruleDomains(parsed.rule) : [],
        isOwn: own !== undefined,
      },
    ];
  });
}
