import { join } from "node:path";
import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";
import type { ControlPlaneOptions } from "../control-plane/control-plane-options.ts";
import { stateDirOf } from "./state-dir.ts";
import { programVersion } from "./version.ts";

const defaultStreamAddress = "127.0.0.1:18000";
const defaultAdminAddress = "127.0.0.1:8090";

/** Of a control plane that data planes elsewhere connect to. */
export function separateControlPlane(
  configuration: StaticConfiguration,
  stateDir: string | undefined,
): ControlPlaneOptions {
  const { stream, adminAddress } = configuration.fleet;
  return {
    configuration,
    stateDir: stateDirOf("control-plane", stateDir ?? configuration.fleet.stateDir),
    streamSocket: undefined,
    streamAddress: stream.address ?? defaultStreamAddress,
    adminAddress: adminAddress ?? defaultAdminAddress,
    isAdminMovable: false,
    version: programVersion(),
  };
}

/** Of the control plane inside `up`: over TCP only when the configuration asks for it. */
export function embeddedControlPlane(
  configuration: StaticConfiguration,
  stateDir: string | undefined,
): ControlPlaneOptions {
  const { stream, adminAddress } = configuration.fleet;
  const directory = stateDirOf("up", stateDir ?? configuration.fleet.stateDir);
  return {
    configuration,
    stateDir: directory,
    streamSocket: join(directory, "stream.sock"),
    streamAddress: stream.address,
    adminAddress: adminAddress ?? defaultAdminAddress,
    isAdminMovable: adminAddress === undefined,
    version: programVersion(),
  };
}
