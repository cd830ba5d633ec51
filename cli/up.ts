import { availableParallelism } from "node:os";
import { DataPlane } from "../data-plane/data-plane.ts";
import { createLog } from "../foundation/pino-log.ts";
import { ControlPlaneHandle } from "./control-plane-handle.ts";
import { embeddedControlPlane } from "./control-plane-options.ts";
import { loadStatic } from "./load-static.ts";
import { logOptionsOf } from "./log-format.ts";
import { runUntilSignal } from "./run-until-signal.ts";

export interface UpFlags {
  readonly workers?: number;
  readonly stateDir?: string;
  readonly admin?: string;
}

const defaultAdminAddress = "127.0.0.1:8081";

/**
 * `switchyard up`: both planes in one process. They meet over real gRPC on a Unix socket in the state directory; the
 * data plane keeps no last-known-good, because the local store beside it holds the newest generation.
 */
export async function up(flags: UpFlags, staticFlags: readonly string[]): Promise<number> {
  const { configuration, warnings, source } = loadStatic(staticFlags);
  const logOptions = logOptionsOf(configuration.log.level, configuration.log.format);
  const options = embeddedControlPlane(configuration, flags.stateDir);
  const controlPlane = new ControlPlaneHandle({ options, log: logOptions });
  const log = createLog(logOptions);
  for (const warning of warnings) log.warn(warning);
  log.info("static configuration read", { source });
  const dataPlane = new DataPlane({
    agent: {
      controlPlanes: [`unix:${options.streamSocket}`],
      tls: undefined,
      adoptFleet: undefined,
      nodeId: "up",
      labels: [],
      version: options.version,
      stateDir: undefined,
      entryPointAddresses: {},
      admin: { address: flags.admin ?? defaultAdminAddress, isRequired: flags.admin !== undefined },
      readyMaxAgeMs: 0,
      routerMetrics: false,
      log: logOptions,
    },
    workers: flags.workers ?? availableParallelism(),
    isFirstBindRequired: true,
    log,
  });
  const stop = async () => {
    await dataPlane.stop();
    await controlPlane.stop();
  };
  return runUntilSignal(
    {
      ready: Promise.all([controlPlane.ready, dataPlane.ready]).then(() => {}),
      failed: Promise.race([controlPlane.failed, dataPlane.failed]),
      stop,
      reload: () => controlPlane.reload(),
    },
    log,
  );
}
