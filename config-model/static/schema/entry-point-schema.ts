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

const redirectPriority = 9_223_372_036_854_775_806n;

/** What weakens protection when left out closes the entry point; the rest is served without. */
export const entryPointFields = {
  address: text(),
  allowACMEByPass: degraded(bool()),
  reusePort: degraded(bool()),
  asDefault: bool(),
  transport: always({
    lifeCycle: always({
      requestAcceptGraceTimeout: duration(),
      graceTimeOut: duration(10_000),
    }),
    respondingTimeouts: always({
      readTimeout: duration(60_000),
      writeTimeout: duration(),
      idleTimeout: duration(180_000),
    }),
    keepAliveMaxTime: duration(),
    keepAliveMaxRequests: int(),
  }),
  // Without it every connection's peer would be the balancer in front, which may be trusted more than its clients.
  proxyProtocol: closed(struct({ insecure: bool(), trustedIPs: texts() })),
  forwardedHeaders: always({
    insecure: bool(),
    trustedIPs: texts(),
    connection: texts(),
    notAppendXForwardedFor: bool(),
    addXForwardedSchemeHeaders: degraded(bool()),
  }),
  http: always({
    redirections: struct({
      entryPoint: struct({
        to: text(),
        scheme: text("https"),
        permanent: bool(true),
        priority: int64(redirectPriority),
      }),
    }),
    middlewares: texts(),
    tls: allowEmpty({
      options: text(),
      certResolver: degraded(text()),
      domains: degraded(list(struct({ main: text(), sans: texts() }))),
    }),
    encodeQuerySemicolons: bool(),
    sanitizePath: bool(true),
    encodedCharacters: always({
      allowEncodedSlash: bool(true),
      allowEncodedBackSlash: bool(true),
      allowEncodedNullCharacter: bool(true),
      allowEncodedSemicolon: bool(true),
      allowEncodedPercent: bool(true),
      allowEncodedQuestionMark: bool(true),
      allowEncodedHash: bool(true),
    }),
    maxHeaderBytes: int(1_048_576),
    underscoreHeadersStrategy: text("keep", { values: ["keep", "delete", "reject"] }),
  }),
  http2: always({
    maxConcurrentStreams: int(250),
    maxDecoderHeaderTableSize: int(4_096),
    maxEncoderHeaderTableSize: int(4_096),
  }),
  http3: degraded(allowEmpty({ advertisedPort: int() })),
  udp: always({ timeout: duration(3_000) }),
  observability: degraded(
    struct({
      accessLogs: bool(true),
      metrics: bool(true),
      tracing: bool(true),
      traceVerbosity: text("minimal", { values: ["minimal", "detailed"] }),
    }),
  ),
};

export const entryPointsSchema = map(struct(entryPointFields));
