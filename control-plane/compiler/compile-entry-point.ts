import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { UnderscoreHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type CompiledContent, out } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

const underscoreHeaders: Readonly<
  Record<EntryPointConfig["underscoreHeaders"], UnderscoreHeaders>
> = {
  keep: UnderscoreHeaders.KEEP,
  delete: UnderscoreHeaders.DELETE,
  reject: UnderscoreHeaders.REJECT,
};

export function compileEntryPoint(key: ObjectKey, config: EntryPointConfig): CompiledContent {
  if (config.protocol === "udp") {
    return out("not-built", `Cannot use ${describeObject(key)}: UDP is not supported yet`);
  }
  const { forwardedHeaders } = config;
  return {
    kind: "usable",
    body: {
      $case: "entryPoint",
      value: {
        host: config.host,
        port: config.port,
        readTimeoutMs: config.readTimeoutMs,
        writeTimeoutMs: config.writeTimeoutMs,
        idleTimeoutMs: config.idleTimeoutMs,
        requestAcceptGraceTimeoutMs: config.requestAcceptGraceTimeoutMs,
        graceTimeoutMs: config.graceTimeoutMs,
        maxHeaderBytes: config.maxHeaderBytes,
        keepAliveMaxTimeMs: config.keepAliveMaxTimeMs,
        keepAliveMaxRequests: config.keepAliveMaxRequests,
        sanitizePath: config.sanitizePath,
        encodeQuerySemicolons: config.encodeQuerySemicolons,
        forwardedHeaders: {
          insecure: forwardedHeaders.insecure,
          trustedIps: [...forwardedHeaders.trustedIps],
          connection: [...forwardedHeaders.connection],
          notAppendXForwardedFor: forwardedHeaders.notAppendXForwardedFor,
        },
        httpMiddlewares: [...config.http.middlewares],
        underscoreHeaders: underscoreHeaders[config.underscoreHeaders],
        deniedPathCharacters: config.deniedPathCharacters,
        httpTls: config.http.tls && { options: config.http.tls.options ?? "" },
        udp: undefined,
      },
    },
    problems: [],
  };
}
