/** Normalised dynamic objects as a provider's decoder would give them, with only what a test cares about to say. */
import type {
  EntryPointConfig,
  HttpMiddlewareConfig,
  HttpRouterConfig,
  HttpServiceConfig,
  NodeSettingsConfig,
  TcpRouterConfig,
  TcpServiceConfig,
  TlsCertificateConfig,
  TlsOptionsConfig,
  TlsStoreConfig,
  UdpRouterConfig,
  UdpServiceConfig,
} from "../../config-model/dynamic/dynamic-object.ts";

export function httpRouter(fields: Partial<HttpRouterConfig> = {}): HttpRouterConfig {
  return {
    kind: "httpRouter",
    entryPoints: undefined,
    middlewares: [],
    service: "app",
    rule: "PathPrefix(`/`)",
    priority: 0n,
    parentRefs: [],
    tls: undefined,
    hasObservability: false,
    unbuilt: [],
    ...fields,
  };
}

export function httpService(
  urls: readonly string[] = ["http://10.0.0.1:8080"],
  fields: Partial<HttpServiceConfig> = {},
): HttpServiceConfig {
  return {
    kind: "httpService",
    loadBalancer: {
      servers: urls.map((url) => ({ url, weight: 1, preservePath: false })),
      passHostHeader: true,
      flushIntervalMs: 100,
    },
    unbuilt: [],
    ...fields,
  };
}

export function httpMiddleware(fields: Partial<HttpMiddlewareConfig> = {}): HttpMiddlewareConfig {
  return { kind: "httpMiddleware", unbuilt: [], ...fields };
}

export function chain(...middlewares: readonly string[]): HttpMiddlewareConfig {
  return httpMiddleware({ chain: { middlewares } });
}

export function addPrefix(prefix: string): HttpMiddlewareConfig {
  return httpMiddleware({ addPrefix: { prefix } });
}

export function tcpRouter(fields: Partial<TcpRouterConfig> = {}): TcpRouterConfig {
  return {
    kind: "tcpRouter",
    entryPoints: undefined,
    service: "app",
    rule: "HostSNI(`*`)",
    priority: 0n,
    tls: undefined,
    unbuilt: [],
    ...fields,
  };
}

export function tcpService(addresses: readonly string[] = ["10.0.0.1:5432"]): TcpServiceConfig {
  return {
    kind: "tcpService",
    loadBalancer: { servers: addresses.map((address) => ({ address })) },
    unbuilt: [],
  };
}

export function udpRouter(fields: Partial<UdpRouterConfig> = {}): UdpRouterConfig {
  return { kind: "udpRouter", entryPoints: undefined, service: "app", unbuilt: [], ...fields };
}

export function udpService(addresses: readonly string[] = ["10.0.0.1:53"]): UdpServiceConfig {
  return {
    kind: "udpService",
    loadBalancer: { servers: addresses.map((address) => ({ address })) },
    unbuilt: [],
  };
}

export function entryPoint(port: number, fields: Partial<EntryPointConfig> = {}): EntryPointConfig {
  return {
    kind: "entryPoint",
    host: "",
    port,
    protocol: "tcp",
    udpTimeoutMs: 3_000,
    asDefault: false,
    readTimeoutMs: 60_000,
    writeTimeoutMs: 0,
    idleTimeoutMs: 180_000,
    requestAcceptGraceTimeoutMs: 0,
    graceTimeoutMs: 10_000,
    keepAliveMaxTimeMs: 0,
    keepAliveMaxRequests: 0,
    maxHeaderBytes: 1_048_576,
    sanitizePath: true,
    encodeQuerySemicolons: false,
    forwardedHeaders: {
      insecure: false,
      trustedIps: [],
      connection: [],
      notAppendXForwardedFor: false,
    },
    http: { middlewares: [], tls: undefined },
    http2: {
      maxConcurrentStreams: 250,
      maxDecoderHeaderTableBytes: 4_096,
      maxEncoderHeaderTableBytes: 4_096,
    },
    underscoreHeaders: "keep",
    deniedPathCharacters: "",
    unbuilt: [],
    ...fields,
  };
}

export function nodeSettings(http: Partial<NodeSettingsConfig["http"]> = {}): NodeSettingsConfig {
  return {
    kind: "nodeSettings",
    http: {
      dialTimeoutMs: 30_000,
      responseHeaderTimeoutMs: 0,
      idleConnectionTimeoutMs: 90_000,
      maxIdleConnectionsPerHost: 200,
      ...http,
    },
    tcp: { dialTimeoutMs: 30_000, dialKeepAliveMs: 15_000, terminationDelayMs: 100 },
    unbuilt: [],
  };
}

export function tlsOptions(fields: Partial<TlsOptionsConfig> = {}): TlsOptionsConfig {
  return {
    kind: "tlsOptions",
    minVersion: undefined,
    maxVersion: undefined,
    cipherSuites: [],
    curvePreferences: [],
    clientAuth: { type: undefined, caFiles: [] },
    sniStrict: false,
    alpnProtocols: [],
    disableSessionTickets: false,
    unbuilt: [],
    ...fields,
  };
}

export function tlsCertificate(fields: Partial<TlsCertificateConfig> = {}): TlsCertificateConfig {
  return {
    kind: "tlsCertificate",
    certFile: "cert",
    keyFile: "key",
    stores: [],
    unbuilt: [],
    ...fields,
  };
}

export function tlsStore(fields: Partial<TlsStoreConfig> = {}): TlsStoreConfig {
  return { kind: "tlsStore", defaultCertificate: undefined, unbuilt: [], ...fields };
}
