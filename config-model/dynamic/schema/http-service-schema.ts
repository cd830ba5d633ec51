import {
  allowEmpty,
  always,
  bool,
  closed,
  degraded,
  duration,
  int,
  int64,
  list,
  map,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";

const cookie = allowEmpty({
  name: text(),
  secure: bool(),
  httpOnly: bool(),
  sameSite: text(),
  maxAge: int(),
  path: text("/"),
  domain: text(),
});

/** In Traefik a `healthCheck` of these services only says that children's state is passed on. */
const childrenHealth = allowEmpty({});

const weightedServices = list(struct({ name: text(), weight: int(1) }));

const loadBalancer = struct({
  servers: list(struct({ url: text(), weight: int(1), preservePath: bool() })),
  passHostHeader: bool(true),
  responseForwarding: always({ flushInterval: duration(100) }),
  strategy: degraded(
    text("wrr", { values: ["wrr", "p2c", "hrw", "leasttime"], builtValues: ["wrr"] }),
  ),
  sticky: degraded(allowEmpty({ cookie })),
  healthCheck: degraded(
    struct({
      scheme: text(),
      mode: text("http"),
      path: text(),
      method: text("GET"),
      status: int(),
      port: int(),
      interval: duration(30_000),
      unhealthyInterval: duration(),
      timeout: duration(5_000),
      hostname: text(),
      followRedirects: bool(true),
      headers: map(text()),
    }),
  ),
  passiveHealthCheck: degraded(
    struct({ failureWindow: duration(10_000), maxFailedAttempts: int(1) }),
  ),
  // Servers are plain HTTP here, so that what is lost of a transport is timeouts and limits, nothing that protects.
  serversTransport: degraded(text()),
});

export const httpServiceSchema = struct({
  loadBalancer,
  middlewares: closed(texts()),
  weighted: closed(
    struct({ services: weightedServices, sticky: struct({ cookie }), healthCheck: childrenHealth }),
  ),
  highestRandomWeight: closed(struct({ services: weightedServices, healthCheck: childrenHealth })),
  mirroring: closed(
    struct({
      service: text(),
      mirrorBody: bool(true),
      maxBodySize: int64(-1n),
      mirrors: list(struct({ name: text(), percent: int() })),
      healthCheck: childrenHealth,
    }),
  ),
  failover: closed(
    struct({
      service: text(),
      fallback: text(),
      healthCheck: childrenHealth,
      errors: struct({ maxRequestBodyBytes: int64(-1n), status: texts() }),
    }),
  ),
});

/** Certificate and key as text or as the path of a file. */
export const keyPairs = list(struct({ certFile: text(), keyFile: text() }));

export const spiffe = struct({ ids: texts(), trustDomain: text() });

export const httpServersTransportSchema = degraded(
  struct({
    serverName: text(),
    insecureSkipVerify: bool(),
    rootCAs: texts(),
    certificates: keyPairs,
    cipherSuites: texts(),
    minVersion: text(),
    maxVersion: text(),
    maxIdleConnsPerHost: int(),
    forwardingTimeouts: struct({
      dialTimeout: duration(30_000),
      responseHeaderTimeout: duration(),
      idleConnTimeout: duration(90_000),
      readIdleTimeout: duration(),
      pingTimeout: duration(15_000),
    }),
    disableHTTP2: bool(),
    peerCertURI: text(),
    spiffe,
  }),
);
