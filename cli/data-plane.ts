import { availableParallelism } from "node:os";
import type { AgentOptions } from "../data-plane/agent/agent-options.ts";
import { DataPlane } from "../data-plane/data-plane.ts";
import { parseHostPort } from "../foundation/format-address.ts";
import { createLog } from "../foundation/pino-log.ts";
import { UsageError } from "./exit-code.ts";
import { parseLogFlags } from "./log-format.ts";
import { runUntilSignal } from "./run-until-signal.ts";
import { stateDirOf } from "./state-dir.ts";
import { programVersion } from "./version.ts";

export interface DataPlaneFlags {
  readonly controlPlane: string;
  readonly nodeId?: string;
  readonly label: readonly string[];
  readonly workers?: number;
  readonly stateDir?: string;
  readonly insecure?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly admin?: string;
  readonly readyMaxAge: number;
  readonly adoptFleet?: string;
  readonly "log.level": string;
  readonly "log.format"?: string;
}

const defaultAdminAddress = "127.0.0.1:8081";

/** `switchyard data-plane`. */
export async function dataPlane(flags: DataPlaneFlags, rest: readonly string[]): Promise<number> {
  const logOptions = parseLogFlags(flags["log.level"], flags["log.format"]);
  const agent: AgentOptions = {
    controlPlanes: parseControlPlanes(flags.controlPlane),
    followsOnRequest: false,
    tls: parseTls(flags),
    adoptFleet: flags.adoptFleet,
    nodeId: flags.nodeId,
    labels: flags.label.map(parseLabel),
    version: programVersion(),
    stateDir: stateDirOf("data-plane", flags.stateDir),
    entryPointAddresses: parseAddresses(rest),
    admin: { address: parseAdmin(flags.admin), isRequired: true },
    readyMaxAgeMs: flags.readyMaxAge * 1_000,
    routerMetrics: false,
    logLevel: logOptions.level,
  };
  const log = createLog(logOptions);
  const running = new DataPlane({
    agent,
    workers: flags.workers ?? availableParallelism(),
    isFirstBindRequired: false,
    log,
  });
  running.startWorkers();
  return runUntilSignal(running, log);
}

function parseControlPlanes(text: string): readonly string[] {
  const addresses = text.split(",").map((address) => address.trim());
  for (const address of addresses) {
    if (!address.startsWith("unix:/") && !parseHostPort(address)?.host) {
      throw new UsageError(`--control-plane needs HOST:PORT or unix:/PATH, not "${address}"`);
    }
  }
  return addresses;
}

function parseTls({
  insecure,
  tlsCa,
  tlsCert,
  tlsKey,
  controlPlane,
}: DataPlaneFlags): AgentOptions["tls"] {
  if (insecure === true) {
    if (tlsCa ?? tlsCert ?? tlsKey) {
      throw new UsageError("--insecure dials without TLS: leave it out, or the --tls-* flags");
    }
    return undefined;
  }
  if (tlsCa !== undefined && tlsCert !== undefined && tlsKey !== undefined) {
    return { caFile: tlsCa, certFile: tlsCert, keyFile: tlsKey };
  }
  if (controlPlane.split(",").every((address) => address.trim().startsWith("unix:"))) {
    return undefined; // the socket's mode is what guards it
  }
  throw new UsageError(
    "The stream needs --tls-ca, --tls-cert and --tls-key (or --insecure, for a control plane with fleet.insecure: true)",
  );
}

function parseLabel(text: string): { key: string; value: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--label needs KEY=VALUE, not "${text}"`);
  return { key: text.slice(0, at), value: text.slice(at + 1) };
}

function parseAdmin(address: string = defaultAdminAddress): string {
  if (parseHostPort(address) === undefined) {
    throw new UsageError(`--admin needs HOST:PORT, not "${address}"`);
  }
  return address;
}

/** `--entryPoints.NAME.address=HOST:PORT`, the only static flag a data plane takes. */
function parseAddresses(args: readonly string[]): Readonly<Record<string, string>> {
  const addresses: Record<string, string> = {};
  for (const argument of args) {
    const match = /^--entrypoints\.([^.=]+)\.address=(.*)$/i.exec(argument);
    const [, name = "", address = ""] = match ?? [];
    if (match === null) {
      throw new UsageError(
        `Unknown flag or argument "${argument}" (of static configuration a data plane takes --entryPoints.NAME.address=HOST:PORT only)`,
      );
    }
    if (parseHostPort(address) === undefined) {
      throw new UsageError(`--entryPoints.${name}.address needs HOST:PORT, not "${address}"`);
    }
    addresses[name] = address;
  }
  return addresses;
}
