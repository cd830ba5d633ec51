/**
 * The header names the engine acts on. A name is looked up once, when its field is parsed; from then on code compares
 * small numbers.
 */
export const headerId = {
  other: 0,
  host: 1,
  connection: 2,
  keepAlive: 3,
  proxyConnection: 4,
  transferEncoding: 5,
  contentLength: 6,
  upgrade: 7,
  te: 8,
  trailer: 9,
  expect: 10,
  proxyAuthenticate: 11,
  proxyAuthorization: 12,
  date: 13,
  contentType: 14,
  /** From here on: names a proxy in front of this one may set, taken from trusted peers only. */
  forwardedFor: 20,
  forwardedProto: 21,
  forwardedHost: 22,
  forwardedPort: 23,
  forwardedServer: 24,
  realIp: 25,
  /** Managed too, without a meaning of their own here. */
  forwardedOther: 26,
} as const;

const firstManagedId = headerId.forwardedFor;

/** Whether fields of that id are removed when an untrusted peer sends them. */
export function isManagedHeader(id: number): boolean {
  return id >= firstManagedId;
}

/** Headers that concern one connection only (RFC 9110 §7.6.1), and those the engine writes itself. */
export const isSentByEngine = new Uint8Array(64);
for (const id of [
  headerId.host,
  headerId.connection,
  headerId.keepAlive,
  headerId.proxyConnection,
  headerId.transferEncoding,
  headerId.contentLength,
  headerId.upgrade,
  headerId.te,
  headerId.expect,
  headerId.proxyAuthenticate,
  headerId.proxyAuthorization,
]) {
  isSentByEngine[id] = 1;
}

export interface KnownHeader {
  readonly id: number;
  readonly lowerName: string;
}

const idByCanonicalName: readonly (readonly [string, number])[] = [
  ["Host", headerId.host],
  ["Connection", headerId.connection],
  ["Keep-Alive", headerId.keepAlive],
  ["Proxy-Connection", headerId.proxyConnection],
  ["Transfer-Encoding", headerId.transferEncoding],
  ["Content-Length", headerId.contentLength],
  ["Upgrade", headerId.upgrade],
  ["TE", headerId.te],
  ["Trailer", headerId.trailer],
  ["Expect", headerId.expect],
  ["Proxy-Authenticate", headerId.proxyAuthenticate],
  ["Proxy-Authorization", headerId.proxyAuthorization],
  ["Date", headerId.date],
  ["Content-Type", headerId.contentType],
  ["X-Forwarded-For", headerId.forwardedFor],
  ["X-Forwarded-Proto", headerId.forwardedProto],
  ["X-Forwarded-Host", headerId.forwardedHost],
  ["X-Forwarded-Port", headerId.forwardedPort],
  ["X-Forwarded-Server", headerId.forwardedServer],
  ["X-Real-Ip", headerId.realIp],
  ["X-Forwarded-Uri", headerId.forwardedOther],
  ["X-Forwarded-Method", headerId.forwardedOther],
  ["X-Forwarded-Prefix", headerId.forwardedOther],
  ["X-Forwarded-Tls-Client-Cert", headerId.forwardedOther],
  ["X-Forwarded-Tls-Client-Cert-Info", headerId.forwardedOther],
];

/** Names without a meaning here whose usual spellings are worth not lower-casing each time. */
const commonNames = [
  "Accept",
  "Accept-Encoding",
  "Accept-Language",
  "Accept-Ranges",
  "Authorization",
  "Cache-Control",
  "Content-Encoding",
  "Cookie",
  "ETag",
  "If-Modified-Since",
  "If-None-Match",
  "Last-Modified",
  "Location",
  "Origin",
  "Range",
  "Referer",
  "Server",
  "Set-Cookie",
  "User-Agent",
  "Vary",
  "X-Requested-With",
];

const bySpelling = new Map<string, KnownHeader>();
const byLowerName = new Map<string, KnownHeader>();
for (const [name, id] of [
  ...idByCanonicalName,
  ...commonNames.map((name) => [name, headerId.other] as const),
]) {
  const known = { id, lowerName: name.toLowerCase() };
  bySpelling.set(name, known);
  bySpelling.set(known.lowerName, known);
  byLowerName.set(known.lowerName, known);
}

/** For any spelling; a name that is not known comes back lower-cased with id `other`. */
export function classifyHeader(name: string): KnownHeader {
  const spelled = bySpelling.get(name);
  if (spelled !== undefined) return spelled;
  const lowerName = name.toLowerCase();
  return byLowerName.get(lowerName) ?? { id: headerId.other, lowerName };
}

/** Whether a name with `_` is a managed one in disguise: many applications read both spellings as one. */
export function isManagedWithUnderscores(lowerName: string): boolean {
  if (!lowerName.includes("_")) return false;
  const known = byLowerName.get(lowerName.replaceAll("_", "-"));
  return known !== undefined && isManagedHeader(known.id);
}
