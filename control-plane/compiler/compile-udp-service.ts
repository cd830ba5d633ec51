import type { UdpServiceConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import type { UdpService } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type CompiledContent, invalid, type Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { readServerAddresses } from "./read-server-addresses.ts";

export function compileUdpService(key: ObjectKey, config: UdpServiceConfig): CompiledContent {
  const { loadBalancer, weighted } = config;
  if (loadBalancer !== undefined) return compileServers(key, loadBalancer.servers);
  if (weighted !== undefined) return compileWeighted(key, weighted.services);
  return invalid("invalid-value", `Cannot use ${describeObject(key)}: it has no type`);
}

function compileServers(
  key: ObjectKey,
  addresses: NonNullable<UdpServiceConfig["loadBalancer"]>["servers"],
): CompiledContent {
  const { servers, problems } = readServerAddresses(key, addresses, 53);
  if (problems.length > 0) return { kind: "invalid", problems };
  return usable({ type: { $case: "loadBalancer", value: { servers } } });
}

function compileWeighted(
  key: ObjectKey,
  members: NonNullable<UdpServiceConfig["weighted"]>["services"],
): CompiledContent {
  const problems: Problem[] = [];
  const services = members.map(({ name, weight }, index) => {
    if (name === "") {
      problems.push({
        severity: "error",
        code: "invalid-value",
        message: `Cannot use ${describeObject(key)}: a weighted service has no name`,
        field: ["weighted", "services", index],
      });
    }
    // Less than nothing is never chosen either.
    return {
      name: qualifiedReference(name, providerOf(key)),
      weight: Math.min(maxWeight, Math.max(0, weight)),
    };
  });
  if (problems.length > 0) return { kind: "invalid", problems };
  return usable({ type: { $case: "weighted", value: { services } } });
}

const maxWeight = 4_294_967_295;

function usable(value: UdpService): CompiledContent {
  return { kind: "usable", body: { $case: "udpService", value }, problems: [] };
}
