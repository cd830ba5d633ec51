/**
 * What a provider may say, one object at a time, normalised: defaults applied, durations in milliseconds. Only what is
 * built has a field; what is valid in Traefik and not built yet is listed in `unbuilt`, and the compiler decides what
 * follows (contract: "Not built is never open").
 */
export interface UnbuiltKey {
  /** Path below the object, as Traefik spells it: `loadBalancer.sticky`. */
  readonly path: string;
  /** `closed`: without it the object would be more open than meant, so it is out. `degraded`: served without it. */
  readonly effect: "closed" | "degraded";
}

interface ObjectBase {
  readonly unbuilt: readonly UnbuiltKey[];
}

export interface HttpRouterConfig extends ObjectBase {
  readonly kind: "httpRouter";
  /** Absent: the default entry points. */
  readonly entryPoints: readonly string[] | undefined;
  readonly middlewares: readonly string[];
  readonly service: string | undefined;
  readonly rule: string | undefined;
  /** 0: not set, the rule's byte length counts. */
  readonly priority: bigint;
  /** Routers this one is a child of; empty for those on entry points. */
  readonly parentRefs: readonly string[];
  readonly tls: RouterTlsConfig | undefined;
  /** Observability settings are written out, which a child may not do. */
  readonly hasObservability: boolean;
}

interface RouterTlsConfig {
  /** Absent: the default ones. */
  readonly options: string | undefined;
}

interface HttpServerConfig {
  readonly url: string;
  readonly weight: number;
  readonly preservePath: boolean;
}

export interface HttpServiceConfig extends ObjectBase {
  readonly kind: "httpService";
  /** Of the internal provider only: for routers whose middlewares always answer. */
  readonly noop?: true;
  /** Absent only when it is `noop`, or one of the unbuilt types is used. */
  readonly loadBalancer:
    | {
        readonly servers: readonly HttpServerConfig[];
        readonly passHostHeader: boolean;
        readonly flushIntervalMs: number;
      }
    | undefined;
}

/** Exactly one type is set, or none when the one used is unbuilt (then `unbuilt` names it, `closed`). */
export interface HttpMiddlewareConfig extends ObjectBase {
  readonly kind: "httpMiddleware";
  readonly addPrefix?: { readonly prefix: string };
  readonly stripPrefix?: { readonly prefixes: readonly string[] };
  readonly headers?: {
    readonly customRequestHeaders: ReadonlyMap<string, string>;
    readonly customResponseHeaders: ReadonlyMap<string, string>;
  };
  readonly chain?: { readonly middlewares: readonly string[] };
  readonly stripPrefixRegex?: { readonly regex: readonly string[] };
  readonly replacePath?: { readonly path: string };
  readonly replacePathRegex?: { readonly regex: string; readonly replacement: string };
  readonly redirectRegex?: {
    readonly regex: string;
    readonly replacement: string;
    readonly permanent: boolean;
  };
  readonly redirectScheme?: {
    readonly scheme: string;
    /** "": the scheme's own. */
    readonly port: string;
    readonly permanent: boolean;
  };
  readonly encodedCharacters?: {
    /** Characters a path may not hold percent-encoded, each once. */
    readonly denied: string;
  };
  readonly basicAuth?: BasicAuthConfig;
}

export interface BasicAuthConfig {
  /** `name:hash`. Secret, as what the file holds: in no message, log, page or metric. */
  readonly users: readonly string[];
  readonly usersFile:
    | {
        readonly path: string;
        /** Its lines, in what a provider emits. */
        readonly content: string | undefined;
      }
    | undefined;
  readonly realm: string;
  /** The request's header that gets the user's name; "": none. */
  readonly headerField: string;
  readonly removeHeader: boolean;
}

export interface TcpRouterConfig extends ObjectBase {
  readonly kind: "tcpRouter";
  readonly entryPoints: readonly string[] | undefined;
  readonly service: string | undefined;
  readonly rule: string | undefined;
  readonly priority: bigint;
  readonly tls: (RouterTlsConfig & { readonly passthrough: boolean }) | undefined;
}

export interface TcpServiceConfig extends ObjectBase {
  readonly kind: "tcpService";
  readonly loadBalancer: { readonly servers: readonly { readonly address: string }[] } | undefined;
}

export interface UdpRouterConfig extends ObjectBase {
  readonly kind: "udpRouter";
  /** Absent: every UDP entry point. */
  readonly entryPoints: readonly string[] | undefined;
  readonly service: string | undefined;
}

/** Exactly one type is set. */
export interface UdpServiceConfig extends ObjectBase {
  readonly kind: "udpService";
  readonly loadBalancer?: { readonly servers: readonly { readonly address: string }[] };
  readonly weighted?: {
    readonly services: readonly { readonly name: string; readonly weight: number }[];
  };
}

/** A kind of which nothing is built yet; kept so that references to it and its keys are told apart from mistakes. */
interface UnbuiltObjectConfig extends ObjectBase {
  readonly kind: "httpModel" | "httpServersTransport" | "tcpMiddleware" | "tcpServersTransport";
}

/** Files are named by path or hold their text; what a provider emits holds the text (PEM). */
export interface TlsCertificateConfig extends ObjectBase {
  readonly kind: "tlsCertificate";
  readonly certFile: string;
  /** Secret: in no message, log, page or metric. */
  readonly keyFile: string;
  readonly stores: readonly string[];
}

export interface TlsStoreConfig extends ObjectBase {
  readonly kind: "tlsStore";
  readonly defaultCertificate: { readonly certFile: string; readonly keyFile: string } | undefined;
}

/** Names as written: whether they are known is for the compiler to say. */
export interface TlsOptionsConfig extends ObjectBase {
  readonly kind: "tlsOptions";
  readonly minVersion: string | undefined;
  readonly maxVersion: string | undefined;
  readonly cipherSuites: readonly string[];
  readonly curvePreferences: readonly string[];
  readonly clientAuth: {
    readonly type: string | undefined;
    readonly caFiles: readonly string[];
  };
  readonly sniStrict: boolean;
  /** Empty: nothing is written, or what is written is the default. */
  readonly alpnProtocols: readonly string[];
  readonly disableSessionTickets: boolean;
}

/** From the static configuration, through the internal provider. */
export interface EntryPointConfig extends ObjectBase {
  readonly kind: "entryPoint";
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  /** Of UDP: how long a session lasts in which nothing is sent. */
  readonly udpTimeoutMs: number;
  readonly asDefault: boolean;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly requestAcceptGraceTimeoutMs: number;
  readonly graceTimeoutMs: number;
  readonly keepAliveMaxTimeMs: number;
  readonly keepAliveMaxRequests: number;
  readonly maxHeaderBytes: number;
  readonly sanitizePath: boolean;
  readonly encodeQuerySemicolons: boolean;
  readonly forwardedHeaders: {
    readonly insecure: boolean;
    readonly trustedIps: readonly string[];
    readonly connection: readonly string[];
    readonly notAppendXForwardedFor: boolean;
  };
  /** What every HTTP router bound here gets. */
  readonly http: {
    /** As written; without "@" they belong to the router's provider. */
    readonly middlewares: readonly string[];
    /** For routers without TLS of their own. */
    readonly tls: RouterTlsConfig | undefined;
  };
  readonly http2: {
    readonly maxConcurrentStreams: number;
    readonly maxDecoderHeaderTableBytes: number;
    readonly maxEncoderHeaderTableBytes: number;
  };
  readonly underscoreHeaders: "keep" | "delete" | "reject";
  /** Characters a path may not hold percent-encoded, each once. */
  readonly deniedPathCharacters: string;
}

export interface NodeSettingsConfig extends ObjectBase {
  readonly kind: "nodeSettings";
  readonly http: {
    readonly dialTimeoutMs: number;
    readonly responseHeaderTimeoutMs: number;
    readonly idleConnectionTimeoutMs: number;
    readonly maxIdleConnectionsPerHost: number;
  };
  readonly tcp: {
    readonly dialTimeoutMs: number;
    readonly dialKeepAliveMs: number;
    readonly terminationDelayMs: number;
  };
}

export type DynamicObject =
  | HttpRouterConfig
  | HttpServiceConfig
  | HttpMiddlewareConfig
  | TcpRouterConfig
  | TcpServiceConfig
  | UdpRouterConfig
  | UdpServiceConfig
  | UnbuiltObjectConfig
  | TlsCertificateConfig
  | TlsStoreConfig
  | TlsOptionsConfig
  | EntryPointConfig
  | NodeSettingsConfig;
