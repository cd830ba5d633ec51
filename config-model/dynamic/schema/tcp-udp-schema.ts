import {
  allowEmpty,
  bool,
  closed,
  degraded,
  duration,
  int,
  int64,
  list,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";
import { routerTlsFields, ruleSyntax } from "./http-router-schema.ts";
import { keyPairs, spiffe } from "./http-service-schema.ts";

export const tcpRouterSchema = struct({
  entryPoints: texts(),
  middlewares: closed(texts()),
  service: text(),
  rule: text(),
  ruleSyntax,
  priority: int64(),
  tls: allowEmpty({ passthrough: bool(), ...routerTlsFields }),
});

const weightedServices = list(struct({ name: text(), weight: int(1) }));

export const tcpServiceSchema = struct({
  loadBalancer: struct({
    // Without `tls` of a server, plain text would be sent where encryption is meant.
    servers: list(struct({ address: text(), tls: closed(bool()) })),
    // A transport may hold TLS and the PROXY protocol, both of which upstreams may rely on.
    serversTransport: closed(text()),
    proxyProtocol: closed(allowEmpty({ version: int(2) })),
    terminationDelay: degraded(int(100)),
    healthCheck: degraded(
      allowEmpty({
        port: int(),
        send: text(),
        expect: text(),
        interval: duration(30_000),
        unhealthyInterval: duration(),
        timeout: duration(5_000),
      }),
    ),
  }),
  weighted: closed(struct({ services: weightedServices, healthCheck: allowEmpty({}) })),
});

export const tcpMiddlewareSchema = closed(
  struct({
    inFlightConn: struct({ amount: int64() }),
    ipWhiteList: struct({ sourceRange: texts() }),
    ipAllowList: struct({ sourceRange: texts() }),
  }),
);

export const tcpServersTransportSchema = closed(
  struct({
    dialKeepAlive: duration(15_000),
    dialTimeout: duration(30_000),
    proxyProtocol: allowEmpty({ version: int(2) }),
    terminationDelay: duration(100),
    tls: allowEmpty({
      serverName: text(),
      insecureSkipVerify: bool(),
      rootCAs: texts(),
      certificates: keyPairs,
      peerCertURI: text(),
      spiffe,
    }),
  }),
);

export const udpRouterSchema = struct({ entryPoints: texts(), service: text() });

export const udpServiceSchema = struct({
  loadBalancer: struct({ servers: list(struct({ address: text() })) }),
  weighted: struct({ services: weightedServices }),
});
