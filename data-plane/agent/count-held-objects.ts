import { providerOf } from "../../config-model/dynamic/qualified-name.ts";
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import type { HeldObjects } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";

/** Routers and services of each provider. */
export function countHeldObjects(keys: Iterable<ResourceKey>): readonly HeldObjects[] {
  const counts = new Map<string, { provider: string; routers: number; services: number }>();
  for (const resource of keys) {
    const key = objectKeyOf(resource);
    const counted = key && classOf(key.kind);
    if (key === undefined || counted === undefined) continue;
    const provider = providerOf(key);
    const count = counts.get(provider) ?? { provider, routers: 0, services: 0 };
    count[counted] += 1;
    counts.set(provider, count);
  }
  return [...counts.values()];
}

function classOf(kind: string): "routers" | "services" | undefined {
  if (kind.endsWith("Router")) return "routers";
  return kind.endsWith("Service") ? "services" : undefined;
}
