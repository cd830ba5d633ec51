/** From decoded keys to the normalised static configuration; what one key alone cannot tell is checked here. */

import { parseHostPort } from "../../foundation/format-address.ts";
import { nearestName } from "../../foundation/nearest-name.ts";
import { shownValue } from "../../foundation/shown-text.ts";
import type { NodeSettingsConfig } from "../dynamic/dynamic-object.ts";
import type { NodeDecoder } from "../schema/decode-node.ts";
import type { Decoded } from "../schema/schema.ts";
import { buildEntryPoints } from "./build-entry-points.ts";
import { buildRedirections } from "./build-redirections.ts";
import { clampTimerMs } from "./clamp-timer-ms.ts";
import { defaultPrecedence } from "./schema/provider-schema.ts";
import type { staticSchema } from "./schema/static-schema.ts";
import type {
  EtcdConnectionConfig,
  FileProviderConfig,
  FleetConfig,
  StaticConfiguration,
} from "./static-configuration.ts";

type StaticValue = Decoded<typeof staticSchema>;

export interface StaticBuildInit {
  readonly value: StaticValue;
  /** Collects the mistakes. */
  readonly decoder: NodeDecoder;
  readonly resolvePath: (path: string) => string;
}

/** Absent when a mistake leaves nothing usable; every mistake is in the decoder's problems. */
export function buildStaticConfiguration(init: StaticBuildInit): StaticConfiguration | undefined {
  const { value, decoder } = init;
  const { providers } = value;
  const file = buildFileProvider(init);
  const etcd = providers.etcd && buildEtcd(init, "providers.etcd", providers.etcd);
  const fleet = buildFleet(init, etcd);
  const log = buildLog(init);
  const entryPoints = buildEntryPoints(value, decoder);
  const redirections = buildRedirections(value.entryPoints, entryPoints, decoder);
  if (decoder.problems.some(({ severity }) => severity === "error")) return undefined;
  return {
    entryPoints,
    redirections,
    nodeSettings: buildNodeSettings(value),
    providers: {
      throttleMs: clampTimerMs(providers.providersThrottleDuration),
      precedence: (providers.precedence ?? defaultPrecedence).map((name) => name.toLowerCase()),
      file,
      etcd,
    },
    log,
    fleet,
  };
}

function buildFileProvider({
  value,
  decoder,
  resolvePath,
}: StaticBuildInit): FileProviderConfig | undefined {
  const { file } = value.providers;
  if (file === undefined) return undefined;
  const { filename, directory, watch } = file;
  if (!filename === !directory) {
    // A misspelt key has been reported already.
    if (decoder.problems.some(({ severity }) => severity === "error")) return undefined;
    const problem = filename ? "has both filename and directory" : "needs filename or directory";
    const place = decoder.placeOf("providers.file");
    return decoder.error("invalid-value", place, `providers.file ${problem}`, "give one of them");
  }
  return {
    filename: filename ? resolvePath(filename) : undefined,
    directory: directory ? resolvePath(directory) : undefined,
    watch,
  };
}

interface EtcdValue {
  readonly endpoints: readonly string[] | undefined;
  readonly rootKey: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls:
    | {
        readonly ca: string | undefined;
        readonly cert: string | undefined;
        readonly key: string | undefined;
        readonly insecureSkipVerify: boolean;
      }
    | undefined;
}

const defaultEtcdEndpoints = ["127.0.0.1:2379"];

function buildEtcd(
  { decoder }: StaticBuildInit,
  path: string,
  { endpoints, rootKey, username, password, tls }: EtcdValue,
): EtcdConnectionConfig {
  const given = endpoints === undefined || endpoints.length === 0 ? undefined : endpoints;
  for (const [index, endpoint] of (given ?? []).entries()) {
    const address = parseHostPort(endpoint);
    if (address !== undefined && address.host !== "") continue;
    const place = decoder.placeOf(`${path}.endpoints[${index}]`);
    decoder.error(
      "invalid-value",
      place,
      `Invalid value "${shownValue(endpoint)}" for ${path}.endpoints: expected HOST:PORT without scheme`,
    );
  }
  const root = rootKey.replace(/^\/+|\/+$/g, "");
  if (root === "") {
    decoder.error("invalid-value", decoder.placeOf(`${path}.rootKey`), `${path}.rootKey is empty`);
  }
  return {
    endpoints: given ?? defaultEtcdEndpoints,
    rootKey: root,
    username,
    password,
    tls,
  };
}

function buildFleet(init: StaticBuildInit, etcd: EtcdConnectionConfig | undefined): FleetConfig {
  const { fleet } = init.value;
  checkAddress(init, "fleet.stream.address", fleet.stream.address);
  checkAddress(init, "fleet.admin.address", fleet.admin.address);
  return {
    stream: { address: fleet.stream.address, tls: buildStreamTls(init) },
    adminAddress: fleet.admin.address,
    adminTokenFile:
      fleet.admin.tokenFile === undefined ? undefined : init.resolvePath(fleet.admin.tokenFile),
    insecure: fleet.insecure,
    insecureSecrets: fleet.insecureSecrets,
    guardPercent: buildGuardPercent(init),
    rejection: fleet.rejection === "strict" ? "strict" : "isolate",
    stateDir: fleet.stateDir === undefined ? undefined : init.resolvePath(fleet.stateDir),
    store: buildStore(init, etcd),
  };
}

/** `30%`, or `30`. */
function buildGuardPercent({ value, decoder }: StaticBuildInit): number {
  const { removals } = value.fleet.guard;
  const percent = Number(/^(\d{1,3}(?:\.\d+)?)\s*%?$/.exec(removals.trim())?.[1]);
  if (percent >= 0 && percent <= 100) return percent;
  decoder.error(
    "invalid-value",
    decoder.placeOf("fleet.guard.removals"),
    `Invalid value "${shownValue(removals)}" for fleet.guard.removals: expected 0% to 100%`,
  );
  return 100;
}

function checkAddress(
  { decoder }: StaticBuildInit,
  path: string,
  address: string | undefined,
): void {
  if (address === undefined || parseHostPort(address) !== undefined) return;
  decoder.error(
    "invalid-value",
    decoder.placeOf(path),
    `Invalid value "${shownValue(address)}" for ${path}: expected [HOST]:PORT`,
  );
}

function buildStreamTls({
  value,
  decoder,
  resolvePath,
}: StaticBuildInit): FleetConfig["stream"]["tls"] {
  const { tls } = value.fleet.stream;
  if (tls === undefined) return undefined;
  const { cert, key, clientCA } = tls;
  if (cert === undefined || key === undefined || clientCA === undefined) {
    const place = decoder.placeOf("fleet.stream.tls");
    return decoder.error("invalid-value", place, "fleet.stream.tls needs cert, key and clientCA");
  }
  return { cert: resolvePath(cert), key: resolvePath(key), clientCa: resolvePath(clientCA) };
}

function buildStore(
  init: StaticBuildInit,
  provider: EtcdConnectionConfig | undefined,
): FleetConfig["store"] {
  const { store } = init.value.fleet;
  if (store === undefined) return undefined;
  const { etcd, local } = store;
  if (etcd !== undefined && local !== undefined) {
    const place = init.decoder.placeOf("fleet.store");
    const message = "fleet.store has both etcd and local";
    return init.decoder.error("invalid-value", place, message, "give one of them");
  }
  if (etcd === undefined) return local && { kind: "local" };
  const own = buildEtcd(init, "fleet.store.etcd", etcd);
  // Without endpoints of its own the store uses the provider's connection, credentials included.
  const usesProvider = etcd.endpoints === undefined && provider !== undefined;
  return { kind: "etcd", etcd: usesProvider ? { ...provider, rootKey: own.rootKey } : own };
}

const logLevels: ReadonlyMap<string, StaticConfiguration["log"]["level"]> = new Map([
  ["trace", "debug"],
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warn"],
  ["warning", "warn"],
  ["error", "error"],
  ["fatal", "error"],
  ["panic", "error"],
]);

function buildLog({ value, decoder }: StaticBuildInit): StaticConfiguration["log"] {
  const { level: levelText, format } = value.log;
  const level = logLevels.get(levelText.toLowerCase());
  if (level === undefined) {
    const near = nearestName(levelText, logLevels.keys());
    decoder.error(
      "invalid-value",
      decoder.placeOf("log.level"),
      `Invalid value "${shownValue(levelText)}" for log.level: valid are debug, info, warn, error`,
      near === undefined ? undefined : `did you mean "${near}"?`,
    );
  }
  if (format !== undefined && format !== "json" && format !== "common") {
    const place = decoder.placeOf("log.format");
    const message = `Invalid value "${shownValue(format)}" for log.format: valid are common, json`;
    decoder.error("invalid-value", place, message);
    return { level: level ?? "info", format: undefined };
  }
  return { level: level ?? "info", format };
}

export function buildNodeSettings({
  serversTransport,
  tcpServersTransport,
}: Pick<StaticValue, "serversTransport" | "tcpServersTransport">): NodeSettingsConfig {
  const { forwardingTimeouts, maxIdleConnsPerHost } = serversTransport;
  const { terminationDelay } = tcpServersTransport;
  return {
    kind: "nodeSettings",
    http: {
      dialTimeoutMs: clampTimerMs(forwardingTimeouts.dialTimeout),
      responseHeaderTimeoutMs: clampTimerMs(forwardingTimeouts.responseHeaderTimeout),
      idleConnectionTimeoutMs: clampTimerMs(forwardingTimeouts.idleConnTimeout),
      maxIdleConnectionsPerHost: Math.max(0, maxIdleConnsPerHost),
    },
    tcp: {
      dialTimeoutMs: clampTimerMs(tcpServersTransport.dialTimeout),
      dialKeepAliveMs: clampTimerMs(tcpServersTransport.dialKeepAlive),
      // Negative: never.
      terminationDelayMs: terminationDelay < 0 ? -1 : clampTimerMs(terminationDelay),
    },
    unbuilt: [],
  };
}
