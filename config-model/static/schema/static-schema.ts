/** The table of everything the static configuration may say: Traefik's keys and our `fleet`. */
import {
  all,
  allowEmpty,
  always,
  bool,
  closed,
  degraded,
  duration,
  free,
  ignored,
  int,
  map,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";
import { entryPointsSchema } from "./entry-point-schema.ts";
import { fleetSchema } from "./fleet-schema.ts";
import {
  accessLogSchema,
  apiSchema,
  logSchema,
  metricsSchema,
  pingSchema,
  tracingSchema,
} from "./observability-schema.ts";
import { providersSchema } from "./provider-schema.ts";

const spiffe = struct({ ids: texts(), trustDomain: text() });

/** Upstreams are plain HTTP and plain TCP here: nothing of these is lost as long as TLS is not spoken. */
const upstreamTls = all(degraded, {
  serverName: text(),
  insecureSkipVerify: bool(),
  rootCAs: texts(),
  spiffe,
});

const serversTransport = always({
  ...upstreamTls,
  maxIdleConnsPerHost: int(200),
  forwardingTimeouts: always({
    dialTimeout: duration(30_000),
    responseHeaderTimeout: duration(),
    idleConnTimeout: duration(90_000),
    readIdleTimeout: degraded(duration()),
    pingTimeout: degraded(duration(15_000)),
  }),
});

const tcpServersTransport = always({
  dialKeepAlive: duration(15_000),
  dialTimeout: duration(30_000),
  terminationDelay: duration(100),
  tls: degraded(struct(upstreamTls)),
});

const acme = struct({
  email: text(),
  caServer: text(),
  preferredChain: text(),
  profile: text(),
  storage: text("acme.json"),
  keyType: text("RSA4096"),
  eab: struct({ kid: text(), hmacEncoded: text() }),
  certificatesDuration: int(2_160),
  clientTimeout: duration(120_000),
  clientResponseHeaderTimeout: duration(30_000),
  certificateTimeout: duration(30_000),
  caCertificates: texts(),
  caSystemCertPool: bool(),
  caServerName: text(),
  disableCommonName: bool(),
  dnsChallenge: struct({
    provider: text(),
    resolvers: texts(),
    propagation: struct({
      delayBeforeChecks: duration(),
      disableChecks: bool(),
      disableANSChecks: bool(),
      requireAllRNS: bool(),
    }),
  }),
  httpChallenge: struct({ entryPoint: text(), delay: duration() }),
  tlsChallenge: allowEmpty({ delay: duration() }),
});

export const staticFields = {
  global: always({ checkNewVersion: ignored(bool(true)), sendAnonymousUsage: ignored(bool()) }),
  serversTransport,
  tcpServersTransport,
  entryPoints: entryPointsSchema,
  providers: providersSchema,
  api: apiSchema,
  metrics: metricsSchema,
  ping: pingSchema,
  log: logSchema,
  accessLog: accessLogSchema,
  tracing: tracingSchema,
  hostResolver: degraded(
    allowEmpty({
      cnameFlattening: bool(),
      resolvConfig: text("/etc/resolv.conf"),
      resolvDepth: int(5),
    }),
  ),
  certificatesResolvers: degraded(map(struct({ acme, tailscale: free() }))),
  experimental: degraded(free()),
  core: always({
    defaultRuleSyntax: closed(text("v3", { values: ["v2", "v3"], builtValues: ["v3"] })),
  }),
  spiffe: degraded(struct({ workloadAPIAddr: text() })),
  ocsp: degraded(allowEmpty({ responderOverrides: map(text()) })),
  fleet: fleetSchema,
};

export const staticSchema = always(staticFields);
