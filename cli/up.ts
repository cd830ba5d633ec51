import { availableParallelism } from "node:os";
import { createLog } from "../foundation/pino-log.ts";
import { ControlPlaneHandle } from "./control-plane-handle.ts";
import { embeddedControlPlane } from "./control-plane-options.ts";
import { logOptionsOf } from "./log-format.ts";
import { runUntilSignal } from "./run-until-signal.ts";
import { StaticReload } from "./static-reload.ts";

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
  // The longest way to the first answer leads through this thread: it loads while the configuration is read.
  const controlPlane = new ControlPlaneHandle();
  const { loaded, read } = await readConfiguration(controlPlane, staticFlags);
  const { configuration, warnings, source } = loaded;
  const logOptions = logOptionsOf(configuration.log.level, configuration.log.format);
  const options = embeddedControlPlane(configuration, flags.stateDir);
  const log = createLog(logOptions);
  controlPlane.start(options, logOptions.level, log);
  for (const warning of warnings) log.warn(warning);
  log.info("static configuration read", { source });
  const { DataPlane } = await import("../data-plane/data-plane.ts");
  const dataPlane = new DataPlane({
    agent: {
      controlPlanes: [`unix:${options.streamSocket}`],
      followsOnRequest: true,
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
      logLevel: logOptions.level,
    },
    workers: flags.workers ?? availableParallelism(),
    isFirstBindRequired: true,
    log,
  });
  // Two threads load at a time: the control plane's is on the longest way to the first answer, workers are needed last.
  void controlPlane.loaded.then(() => dataPlane.startWorkers());
  // When it never is ready, that is what ends the process.
  void controlPlane.ready.then(
    () => dataPlane.follow(),
    () => {},
  );
  const staticReload = new StaticReload({ loaded, read, log });
  const stop = async () => {
    await dataPlane.stop();
    await controlPlane.stop();
  };
  return runUntilSignal(
    {
      ready: Promise.all([controlPlane.ready, dataPlane.ready]).then(() => {}),
      failed: Promise.race([controlPlane.failed, dataPlane.failed]),
      stop,
      reload: () => controlPlane.reload(staticReload.read()),
    },
    log,
  );
}

async function readConfiguration(controlPlane: ControlPlaneHandle, staticFlags: readonly string[]) {
  try {
    const { loadStatic } = await import("./load-static.ts");
    const read = () => loadStatic(staticFlags);
    return { loaded: read(), read };
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}
