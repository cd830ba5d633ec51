/**
 * The compiler stops at a router's first obstacle: behind a wrong rule it says nothing of a service that does not exist.
 * Here such routers are compiled again without the obstacle, for what else there is. Nothing refers to a router, so
 * nothing else is changed by it.
 */
import { isDeepStrictEqual } from "node:util";
import type { Diagnostic } from "../config-model/dynamic/diagnostic.ts";
import type {
  DynamicObject,
  HttpRouterConfig,
  TcpRouterConfig,
} from "../config-model/dynamic/dynamic-object.ts";
import { objectId } from "../config-model/dynamic/object-key.ts";
import type { Resource } from "../config-model/snapshot/resource.ts";
import {
  SnapshotCompiler,
  type SnapshotCompilerInit,
} from "../control-plane/compiler/snapshot-compiler.ts";
import type { WatchedChange } from "../control-plane/watcher/watched-change.ts";

type RouterConfig = HttpRouterConfig | TcpRouterConfig;

/** In this order: an entry point is looked at once the router's own content is right. */
const remedies: readonly ((config: RouterConfig) => RouterConfig)[] = [
  (config) => ({
    ...config,
    rule: config.kind === "httpRouter" ? "PathPrefix(`/`)" : "HostSNI(`*`)",
    unbuilt: [],
  }),
  (config) => ({ ...config, entryPoints: undefined }),
];

/** What the static configuration says of how the dynamic one is compiled. */
export type CompileSettings = Pick<SnapshotCompilerInit, "precedence" | "withholdsKeys">;

export function findAllProblems(
  changes: readonly WatchedChange[],
  settings: CompileSettings,
): readonly Diagnostic[] {
  const compiler = new SnapshotCompiler({ ...settings, encode: withoutContent });
  const found = new Map<string, readonly Diagnostic[]>();
  for (const { key, diagnostics } of compiler.apply(changes).diagnostics) {
    found.set(objectId(key), diagnostics);
  }
  if (found.size === 0) return [];
  let suspects = changes.filter(({ id }) => isHindered(found.get(id)));
  for (const remedy of remedies) {
    suspects = suspects.flatMap((change) => mended(change, remedy));
    if (suspects.length === 0) break;
    for (const { key, diagnostics } of compiler.apply(suspects).diagnostics) {
      const id = objectId(key);
      const known = found.get(id) ?? [];
      const others = diagnostics.filter((one) => !known.some((k) => isDeepStrictEqual(k, one)));
      found.set(id, [...known, ...others]);
    }
  }
  return [...found.values()].flat();
}

const nothing = new Uint8Array();

/** Nothing is published here. */
function withoutContent(kind: Resource["kind"], name: string): Resource {
  return { kind, name, hash: nothing, payload: nothing };
}

function isHindered(diagnostics: readonly Diagnostic[] = []): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

function mended(
  { id, key, object }: WatchedChange,
  remedy: (config: RouterConfig) => RouterConfig,
): readonly WatchedChange[] {
  const config: DynamicObject | undefined = object?.config;
  if (object === undefined || (config?.kind !== "httpRouter" && config?.kind !== "tcpRouter")) {
    return [];
  }
  return [{ id, key, object: { ...object, config: remedy(config) } }];
}
