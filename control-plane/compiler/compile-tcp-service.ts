import type { TcpServiceConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { type CompiledContent, invalid } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { readServerAddresses } from "./read-server-addresses.ts";

export function compileTcpService(key: ObjectKey, config: TcpServiceConfig): CompiledContent {
  const { loadBalancer } = config;
  if (loadBalancer === undefined) {
    return invalid("invalid-value", `Cannot use ${describeObject(key)}: it has no type`);
  }
  const { servers, problems } = readServerAddresses(key, loadBalancer.servers, 5432);
  if (problems.length > 0) return { kind: "invalid", problems };
  return {
    kind: "usable",
    body: { $case: "tcpService", value: { type: { $case: "loadBalancer", value: { servers } } } },
    problems: [],
  };
}
