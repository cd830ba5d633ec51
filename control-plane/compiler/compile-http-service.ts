import type { HttpServiceConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { parseServerUrl } from "../../config-model/dynamic/parse-server-url.ts";
import type { HttpServer } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type CompiledContent, invalid, type Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

/** A service without servers is valid: it answers 503. */
export function compileHttpService(key: ObjectKey, config: HttpServiceConfig): CompiledContent {
  const { loadBalancer, noop } = config;
  if (noop !== undefined) {
    const body = { $case: "httpService", value: { type: { $case: "noop", value: {} } } } as const;
    return { kind: "usable", body, problems: [] };
  }
  if (loadBalancer === undefined) {
    return invalid("invalid-value", `Cannot use ${describeObject(key)}: it has no type`);
  }
  const servers: HttpServer[] = [];
  const problems: Problem[] = [];
  for (const [index, { url, weight, preservePath }] of loadBalancer.servers.entries()) {
    const parsed = parseServerUrl(url);
    if (parsed.ok) {
      servers.push({ ...parsed.server, weight, preservePath, url });
    } else {
      const { code, message, hint } = parsed;
      const problem: Problem = {
        severity: "error",
        code,
        message: `Cannot use ${describeObject(key)}: ${message}`,
        field: ["loadBalancer", "servers", index, "url"],
      };
      problems.push(hint === undefined ? problem : { ...problem, hint });
    }
  }
  if (problems.some(({ code }) => code === "invalid-value")) return { kind: "invalid", problems };
  if (problems.length > 0) return { kind: "out", problems };
  const { passHostHeader, flushIntervalMs } = loadBalancer;
  return {
    kind: "usable",
    body: {
      $case: "httpService",
      value: {
        type: { $case: "loadBalancer", value: { servers, passHostHeader, flushIntervalMs } },
      },
    },
    problems: [],
  };
}
