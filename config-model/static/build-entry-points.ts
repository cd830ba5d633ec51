import { parseHostPort } from "../../foundation/format-address.ts";
import { isAddressOrRange } from "../../foundation/ip-range.ts";
import { shownText, shownValue } from "../../foundation/shown-text.ts";
import { deniedCharacters } from "../dynamic/denied-characters.ts";
import type { EntryPointConfig, UnbuiltKey } from "../dynamic/dynamic-object.ts";
import type { NodeDecoder } from "../schema/decode-node.ts";
import { type Decoded, type StructValue, structDefaults } from "../schema/schema.ts";
import { clampTimerMs } from "./clamp-timer-ms.ts";
import { entryPointFields, type entryPointsSchema } from "./schema/entry-point-schema.ts";

type EntryPointValue = StructValue<typeof entryPointFields>;

interface Address {
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/** By name in order of the source; without any, `http` on :80 is implied. */
export function buildEntryPoints(
  { entryPoints }: { readonly entryPoints: Decoded<typeof entryPointsSchema> },
  decoder: NodeDecoder,
): ReadonlyMap<string, EntryPointConfig> {
  if (entryPoints === undefined) {
    return new Map([["http", { ...defaultEntryPoint(), port: 80 }]]);
  }
  const built = new Map<string, EntryPointConfig>();
  const spellings = new Map<string, string>();
  for (const [name, value] of entryPoints) {
    const path = `entryPoints.${name}`;
    noteSpelling(decoder, name, spellings);
    const address = checkedAddress(decoder, path, value.address);
    checkTrustedIps(decoder, path, value.forwardedHeaders.trustedIPs ?? []);
    checkUdpTimeout(decoder, path, value.udp.timeout);
    noteUnqualified(decoder, path, value.http.middlewares ?? []);
    if (address !== undefined) built.set(name, toConfig(value, address, unbuiltOf(decoder, path)));
  }
  return built;
}

/** With every key left out, on port 0. */
export function defaultEntryPoint(): EntryPointConfig {
  const address = { host: "", port: 0, protocol: "tcp" } as const;
  return toConfig(structDefaults(entryPointFields), address, []);
}

function checkedAddress(
  decoder: NodeDecoder,
  path: string,
  text: string | undefined,
): Address | undefined {
  if (!text) {
    // A misspelt `address` has been reported already.
    if (decoder.problems.some(({ severity }) => severity === "error")) return undefined;
    return decoder.error("invalid-value", decoder.placeOf(path), `${path} needs an address`);
  }
  const [hostPort = "", protocol = "tcp", ...rest] = text.split("/");
  const address = parseHostPort(hostPort);
  const lowerProtocol = protocol.toLowerCase();
  if (
    address === undefined ||
    rest.length > 0 ||
    (lowerProtocol !== "tcp" && lowerProtocol !== "udp")
  ) {
    return decoder.error(
      "invalid-value",
      decoder.placeOf(`${path}.address`),
      `Invalid value "${shownValue(text)}" for ${path}.address: expected [HOST]:PORT, then /tcp or /udp if need be`,
    );
  }
  return { ...address, protocol: lowerProtocol };
}

function checkTrustedIps(decoder: NodeDecoder, path: string, addresses: readonly string[]): void {
  for (const [index, address] of addresses.entries()) {
    if (isAddressOrRange(address)) continue;
    const key = `${path}.forwardedHeaders.trustedIPs`;
    decoder.error(
      "invalid-value",
      decoder.placeOf(`${key}[${index}]`),
      `Invalid value "${shownValue(address)}" for ${key}: expected an IP address or a CIDR range`,
    );
  }
}

function checkUdpTimeout(decoder: NodeDecoder, path: string, timeoutMs: number): void {
  if (timeoutMs > 0) return;
  const key = `${path}.udp.timeout`;
  decoder.error(
    "invalid-value",
    decoder.placeOf(key),
    `Invalid value "${timeoutMs}ms" for ${key}: expected more than zero`,
  );
}

/** As in Traefik they are two; a router that says the one while the other is meant is answered with 404. */
function noteSpelling(decoder: NodeDecoder, name: string, spellings: Map<string, string>): void {
  const lower = name.toLowerCase();
  const twin = spellings.get(lower);
  spellings.set(lower, twin ?? name);
  if (twin === undefined) return;
  decoder.problems.push({
    severity: "warning",
    code: "invalid-value",
    place: decoder.placeOf(`entryPoints.${name}`),
    message: `Entry points "${shownText(twin)}" and "${shownText(name)}" differ in case only, and are two`,
    hint: "rename one of them",
  });
}

function noteUnqualified(decoder: NodeDecoder, path: string, names: readonly string[]): void {
  const unqualified = names.filter((name) => !name.includes("@"));
  const [first] = unqualified;
  if (first === undefined) return;
  const key = `${path}.http.middlewares`;
  const shown = unqualified.map((name) => `"${shownText(name)}"`).join(", ");
  decoder.problems.push({
    severity: "warning",
    code: "invalid-value",
    place: decoder.placeOf(key),
    message: `${key} names ${shownText(shown, 160)} without provider: each router looks for it in its own`,
    hint: `write "${shownText(first)}@file" for the one of the file provider`,
  });
}

/** What closes the entry point. What is served without has been said where the file is read. */
function unbuiltOf({ unbuilt }: NodeDecoder, path: string): readonly UnbuiltKey[] {
  return unbuilt
    .filter((key) => key.effect === "closed" && key.path.startsWith(`${path}.`))
    .map((key) => ({ path: key.path.slice(path.length + 1), effect: key.effect }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function toConfig(
  value: EntryPointValue,
  address: Address,
  unbuilt: readonly UnbuiltKey[],
): EntryPointConfig {
  const { transport, forwardedHeaders, http, http2 } = value;
  const { lifeCycle, respondingTimeouts } = transport;
  return {
    kind: "entryPoint",
    ...address,
    udpTimeoutMs: Math.ceil(clampTimerMs(value.udp.timeout)),
    asDefault: value.asDefault,
    readTimeoutMs: clampTimerMs(respondingTimeouts.readTimeout),
    writeTimeoutMs: clampTimerMs(respondingTimeouts.writeTimeout),
    idleTimeoutMs: clampTimerMs(respondingTimeouts.idleTimeout),
    requestAcceptGraceTimeoutMs: clampTimerMs(lifeCycle.requestAcceptGraceTimeout),
    graceTimeoutMs: clampTimerMs(lifeCycle.graceTimeOut),
    keepAliveMaxTimeMs: clampTimerMs(transport.keepAliveMaxTime),
    keepAliveMaxRequests: Math.max(0, transport.keepAliveMaxRequests),
    maxHeaderBytes: http.maxHeaderBytes > 0 ? http.maxHeaderBytes : 1_048_576,
    sanitizePath: http.sanitizePath,
    encodeQuerySemicolons: http.encodeQuerySemicolons,
    forwardedHeaders: {
      insecure: forwardedHeaders.insecure,
      trustedIps: forwardedHeaders.trustedIPs ?? [],
      connection: forwardedHeaders.connection ?? [],
      notAppendXForwardedFor: forwardedHeaders.notAppendXForwardedFor,
    },
    http: {
      middlewares: http.middlewares ?? [],
      tls: http.tls && { options: http.tls.options || undefined },
    },
    http2: {
      maxConcurrentStreams: countOr(http2.maxConcurrentStreams, 250),
      maxDecoderHeaderTableBytes: countOr(http2.maxDecoderHeaderTableSize, 4_096),
      maxEncoderHeaderTableBytes: countOr(http2.maxEncoderHeaderTableSize, 4_096),
    },
    underscoreHeaders: underscoreStrategy(http.underscoreHeadersStrategy),
    deniedPathCharacters: deniedCharacters(http.encodedCharacters),
    unbuilt,
  };
}

/** The schema has checked the value. */
function underscoreStrategy(text: string): EntryPointConfig["underscoreHeaders"] {
  return text === "delete" || text === "reject" ? text : "keep";
}

/** 0 and less mean the default, as in Go's library. */
function countOr(count: number, usual: number): number {
  return count > 0 ? Math.min(count, 2 ** 31 - 1) : usual;
}
