import {
  all,
  allowEmpty,
  bool,
  closed,
  degraded,
  duration,
  free,
  ignored,
  int,
  int64,
  map,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";

const ipStrategyFields = { depth: int(), excludedIPs: texts(), ipv6Subnet: int() };

const sourceCriterion = struct({
  ipStrategy: struct(ipStrategyFields),
  requestHeaderName: text(),
  requestHost: bool(),
});

const clientTlsFields = { ca: text(), cert: text(), key: text(), insecureSkipVerify: bool() };

/** CORS and security headers: a middleware that sets any of them is out, not served without. */
const protectingHeaders = all(closed, {
  accessControlAllowCredentials: bool(),
  accessControlAllowHeaders: texts(),
  accessControlAllowMethods: texts(),
  accessControlAllowOriginList: texts(),
  accessControlAllowOriginListRegex: texts(),
  accessControlExposeHeaders: texts(),
  accessControlMaxAge: int64(),
  addVaryHeader: bool(),
  allowedHosts: texts(),
  hostsProxyHeaders: texts(),
  sslProxyHeaders: map(text()),
  stsSeconds: int64(),
  stsIncludeSubdomains: bool(),
  stsPreload: bool(),
  forceSTSHeader: bool(),
  frameDeny: bool(),
  customFrameOptionsValue: text(),
  contentTypeNosniff: bool(),
  browserXssFilter: bool(),
  customBrowserXSSValue: text(),
  contentSecurityPolicy: text(),
  contentSecurityPolicyReportOnly: text(),
  publicKey: text(),
  referrerPolicy: text(),
  permissionsPolicy: text(),
});

const headers = struct({
  customRequestHeaders: map(text()),
  customResponseHeaders: map(text()),
  ...protectingHeaders,
  // It only switches protections off.
  isDevelopment: degraded(bool()),
  ...all(ignored, {
    featurePolicy: text(),
    sslRedirect: bool(),
    sslTemporaryRedirect: bool(),
    sslHost: text(),
    sslForceHost: bool(),
  }),
});

const pathMiddlewares = {
  stripPrefixRegex: struct({ regex: texts() }),
  replacePath: struct({ path: text() }),
  replacePathRegex: struct({ regex: text(), replacement: text() }),
  redirectRegex: struct({ regex: text(), replacement: text(), permanent: bool() }),
  redirectScheme: struct({ scheme: text(), port: text(), permanent: bool() }),
  encodedCharacters: struct({
    allowEncodedSlash: bool(),
    allowEncodedBackSlash: bool(),
    allowEncodedNullCharacter: bool(),
    allowEncodedSemicolon: bool(),
    allowEncodedPercent: bool(),
    allowEncodedQuestionMark: bool(),
    allowEncodedHash: bool(),
  }),
};

const basicAuth = struct({
  users: texts(),
  usersFile: text(),
  realm: text("traefik"),
  removeHeader: bool(),
  headerField: text(),
});

const authMiddlewares = {
  digestAuth: struct({
    users: texts(),
    usersFile: text(),
    removeHeader: bool(),
    realm: text(),
    headerField: text(),
  }),
  forwardAuth: struct({
    address: text(),
    tls: struct({ ...clientTlsFields, caOptional: bool() }),
    trustForwardHeader: bool(),
    authResponseHeaders: texts(),
    authResponseHeadersRegex: text(),
    authRequestHeaders: texts(),
    maxResponseBodySize: int64(),
    addAuthCookiesToResponse: texts(),
    headerField: text(),
    forwardBody: bool(),
    maxBodySize: int64(-1n),
    preserveLocationHeader: bool(),
    preserveRequestMethod: bool(),
    authSigninURL: text(),
  }),
  ipWhiteList: struct({ sourceRange: texts(), ipStrategy: allowEmpty(ipStrategyFields) }),
  ipAllowList: struct({
    sourceRange: texts(),
    ipStrategy: allowEmpty(ipStrategyFields),
    rejectStatusCode: int(403),
  }),
};

const limitMiddlewares = {
  rateLimit: struct({
    average: int64(),
    period: duration(1_000),
    burst: int64(1n),
    sourceCriterion,
    redis: struct({
      endpoints: texts(),
      tls: struct(clientTlsFields),
      username: text(),
      password: text(),
      db: int(),
      poolSize: int(),
      minIdleConns: int(),
      maxActiveConns: int(),
      readTimeout: duration(3_000),
      writeTimeout: duration(3_000),
      dialTimeout: duration(5_000),
    }),
  }),
  inFlightReq: struct({ amount: int64(), sourceCriterion }),
  circuitBreaker: struct({
    expression: text(),
    checkPeriod: duration(100),
    fallbackDuration: duration(10_000),
    recoveryDuration: duration(10_000),
    responseCode: int(503),
  }),
  retry: struct({
    attempts: int(),
    timeout: duration(),
    initialInterval: duration(),
    maxRequestBodyBytes: int64(2_097_152n),
    status: texts(),
    disableRetryOnNetworkError: bool(),
    retryNonIdempotentMethod: bool(),
  }),
  buffering: struct({
    maxRequestBodyBytes: int64(),
    memRequestBodyBytes: int64(),
    maxResponseBodyBytes: int64(),
    memResponseBodyBytes: int64(),
    retryExpression: text(),
  }),
};

const subject = {
  country: bool(),
  province: bool(),
  locality: bool(),
  organization: bool(),
  commonName: bool(),
  serialNumber: bool(),
  domainComponent: bool(),
};

const contentMiddlewares = {
  errors: struct({
    status: texts(),
    statusRewrites: map(int()),
    service: text(),
    query: text(),
    errorRequestHeaders: texts(),
  }),
  compress: allowEmpty({
    excludedContentTypes: texts(),
    includedContentTypes: texts(),
    minResponseBodyBytes: int(1_024),
    encodings: texts(["gzip", "br", "zstd"]),
    defaultEncoding: text(),
  }),
  passTLSClientCert: struct({
    pem: bool(),
    info: struct({
      notAfter: bool(),
      notBefore: bool(),
      sans: bool(),
      serialNumber: bool(),
      subject: struct({ ...subject, organizationalUnit: bool() }),
      issuer: struct(subject),
    }),
  }),
  contentType: allowEmpty({ autoDetect: bool() }),
  grpcWeb: struct({ allowOrigins: texts() }),
  plugin: map(free()),
};

export const httpMiddlewareSchema = struct({
  addPrefix: struct({ prefix: text() }),
  stripPrefix: struct({ prefixes: texts(), forceSlash: ignored(bool()) }),
  headers,
  chain: struct({ middlewares: texts() }),
  ...pathMiddlewares,
  basicAuth,
  ...all(closed, {
    ...authMiddlewares,
    ...limitMiddlewares,
    ...contentMiddlewares,
  }),
});
