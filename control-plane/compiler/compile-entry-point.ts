import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { EntryPoint, UnderscoreHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { CompiledContent } from "./compiled-content.ts";

const underscoreHeaders: Readonly<
  Record<EntryPointConfig["underscoreHeaders"], UnderscoreHeaders>
> = {
  keep: UnderscoreHeaders.KEEP,
  delete: UnderscoreHeaders.DELETE,
  reject: UnderscoreHeaders.REJECT,
};

export function compileEntryPoint(config: EntryPointConfig): CompiledContent {
  if (config.protocol === "udp") return compileUdpEntryPoint(config);
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
        http2: config.http2,
        udp: undefined,
      },
    },
    problems: [],
  };
}

/** What it says of connections and of HTTP means nothing there. */
function compileUdpEntryPoint(config: EntryPointConfig): CompiledContent {
  const value = EntryPoint.create({
    host: config.host,
    port: config.port,
    requestAcceptGraceTimeoutMs: config.requestAcceptGraceTimeoutMs,
    graceTimeoutMs: config.graceTimeoutMs,
    udp: { sessionTimeoutMs: config.udpTimeoutMs },
  });
  return { kind: "usable", body: { $case: "entryPoint", value }, problems: [] };
}
