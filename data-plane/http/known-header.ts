/**
 * The header names the engine knows: those it acts on, and common ones, so that comparing a name is comparing a small
 * number. A name is classified from its bytes as it is parsed, without a string being made of it.
 */
import { foldedTokenByte } from "./byte-class.ts";

/** Order is free; 0 is every name that is not here. */
const names = [
  "",
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "te",
  "trailer",
  "expect",
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
  "date",
  "content-type",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-server",
  "x-real-ip",
  "x-forwarded-uri",
  "x-forwarded-method",
  "x-forwarded-prefix",
  "x-forwarded-tls-client-cert",
  "x-forwarded-tls-client-cert-info",
  "accept",
  "accept-encoding",
  "accept-language",
  "accept-ranges",
  "authorization",
  "cache-control",
  "content-encoding",
  "cookie",
  "etag",
  "if-modified-since",
  "if-none-match",
  "last-modified",
  "location",
  "origin",
  "range",
  "referer",
  "server",
  "set-cookie",
  "user-agent",
  "vary",
  "x-requested-with",
] as const;

type KnownName = (typeof names)[number];

function idOf(name: KnownName): number {
  return names.indexOf(name);
}

export const headerId = {
  other: 0,
  host: idOf("host"),
  connection: idOf("connection"),
  transferEncoding: idOf("transfer-encoding"),
  contentLength: idOf("content-length"),
  upgrade: idOf("upgrade"),
  te: idOf("te"),
  expect: idOf("expect"),
  date: idOf("date"),
  forwardedFor: idOf("x-forwarded-for"),
  forwardedProto: idOf("x-forwarded-proto"),
  forwardedHost: idOf("x-forwarded-host"),
  forwardedPort: idOf("x-forwarded-port"),
  forwardedServer: idOf("x-forwarded-server"),
  realIp: idOf("x-real-ip"),
} as const;

function flagsOf(flagged: readonly KnownName[]): Uint8Array {
  const flags = new Uint8Array(names.length);
  for (const name of flagged) flags[idOf(name)] = 1;
  return flags;
}

/** By id: names a proxy in front of this one may set, taken from trusted peers only. */
export const isManagedHeader = flagsOf([
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-server",
  "x-real-ip",
  "x-forwarded-uri",
  "x-forwarded-method",
  "x-forwarded-prefix",
  "x-forwarded-tls-client-cert",
  "x-forwarded-tls-client-cert-info",
]);

/** By id: headers that concern one connection only (RFC 9110 §7.6.1), and those the engine writes itself. */
export const isSentByEngine = flagsOf([
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "te",
  "expect",
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
]);

/** By id: the parser hands these values on at once, because they say how the message is framed or used. */
export const isReadByEngine = flagsOf([
  "host",
  "connection",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "te",
  "expect",
]);

const idByName = new Map<string, number>(names.map((name, id) => [name, id]));

/** Id of a lower-case name. */
export function knownHeaderId(lowerName: string): number {
  return idByName.get(lowerName) ?? headerId.other;
}

/** Lower-case name of a known id. */
export function knownHeaderName(id: number): string {
  return names[id] ?? "";
}

/** Whether a lower-case name with `_` is a managed one in disguise: many applications read both spellings as one. */
export function isManagedWithUnderscores(lowerName: string): boolean {
  return (
    lowerName.includes("_") && isManagedHeader[knownHeaderId(lowerName.replaceAll("_", "-"))] === 1
  );
}

const slots = 512;
const slotHashes = new Int32Array(slots);
const slotIds = new Uint8Array(slots);
const nameBytes = names.map((name) => Uint8Array.from(Buffer.from(name, "latin1")));
const noBytes = new Uint8Array(0);

for (const [id, bytes] of nameBytes.entries()) {
  if (id === headerId.other) continue;
  const hash = bytes.reduce(addToNameHash, 0);
  let slot = hash & (slots - 1);
  while (slotIds[slot] !== 0) slot = (slot + 1) & (slots - 1);
  slotIds[slot] = id;
  slotHashes[slot] = hash;
}

/** Over the bytes of `foldedTokenByte`. */
export function addToNameHash(hash: number, foldedByte: number): number {
  return (Math.imul(hash, 31) + foldedByte) | 0;
}

/**
 * Id of the name in `bytes`, whose hash is `hash`. Negative: the name is the known one of the positive id but for
 * underscores in place of hyphens.
 */
export function classifyName(bytes: Uint8Array, start: number, end: number, hash: number): number {
  for (let slot = hash & (slots - 1); slotIds[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
    if (slotHashes[slot] !== hash) continue;
    const id = slotIds[slot] ?? 0;
    const match = compareName(bytes, start, end, nameBytes[id] ?? noBytes);
    if (match !== 0) return match * id;
  }
  return headerId.other;
}

const underscore = 95;

/** 1: the same but for case; -1: with underscores; 0: another name. */
function compareName(bytes: Uint8Array, start: number, end: number, name: Uint8Array): number {
  if (end - start !== name.length) return 0;
  let verdict = 1;
  for (let index = 0; index < name.length; index += 1) {
    const byte = bytes[start + index] ?? 0;
    if (foldedTokenByte[byte] !== name[index]) return 0;
    if (byte === underscore) verdict = -1;
  }
  return verdict;
}
