import type { TcpServiceConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { shownValue } from "../../foundation/shown-text.ts";
import type { TcpServer } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type CompiledContent, invalid, type Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { parseServerAddress } from "./parse-server-address.ts";

export function compileTcpService(key: ObjectKey, config: TcpServiceConfig): CompiledContent {
  const { loadBalancer } = config;
  if (loadBalancer === undefined) {
    return invalid("invalid-value", `Cannot use ${describeObject(key)}: it has no type`);
  }
  const servers: TcpServer[] = [];
  const problems: Problem[] = [];
  for (const [index, { address }] of loadBalancer.servers.entries()) {
    const server = parseServerAddress(address);
    if (server !== undefined) servers.push(server);
    else {
      problems.push({
        severity: "error",
        code: "invalid-value",
        message: `Cannot use ${describeObject(key)}: server address "${shownValue(address)}" is not host:port`,
        field: ["loadBalancer", "servers", index, "address"],
        hint: "write it like 10.0.0.1:5432 or [::1]:5432",
      });
    }
  }
  if (problems.length > 0) return { kind: "invalid", problems };
  return {
    kind: "usable",
    body: { $case: "tcpService", value: { type: { $case: "loadBalancer", value: { servers } } } },
    problems: [],
  };
}
