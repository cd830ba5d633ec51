import { ControlPlane } from "../control-plane/control-plane.ts";
import { createLog } from "../foundation/pino-log.ts";
import { separateControlPlane } from "./control-plane-options.ts";
import { loadStatic } from "./load-static.ts";
import { logOptionsOf } from "./log-format.ts";
import { runUntilSignal } from "./run-until-signal.ts";

/** `switchyard control-plane`. */
export async function controlPlane(
  { stateDir }: { readonly stateDir?: string },
  staticFlags: readonly string[],
): Promise<number> {
  const { configuration, warnings, source } = loadStatic(staticFlags);
  const log = createLog(logOptionsOf(configuration.log.level, configuration.log.format));
  for (const warning of warnings) log.warn(warning);
  log.info("static configuration read", { source });
  const running = new ControlPlane({ options: separateControlPlane(configuration, stateDir), log });
  const ready = running.start();
  return runUntilSignal(
    { ready, failed: running.failed, stop: () => running.stop(), reload: () => running.reload() },
    log,
  );
}
