import { ControlPlane } from "../control-plane/control-plane.ts";
import { createLog } from "../foundation/pino-log.ts";
import { separateControlPlane } from "./control-plane-options.ts";
import { loadStatic } from "./load-static.ts";
import { logOptionsOf } from "./log-format.ts";
import { runUntilSignal } from "./run-until-signal.ts";
import { StaticReload } from "./static-reload.ts";

/** `switchyard control-plane`. */
export async function controlPlane(
  { stateDir }: { readonly stateDir?: string },
  staticFlags: readonly string[],
): Promise<number> {
  const loaded = loadStatic(staticFlags);
  const { configuration, warnings, source } = loaded;
  const log = createLog(logOptionsOf(configuration.log.level, configuration.log.format));
  for (const warning of warnings) log.warn(warning);
  log.info("static configuration read", { source });
  const running = new ControlPlane({ options: separateControlPlane(configuration, stateDir), log });
  const ready = running.start();
  const staticReload = new StaticReload({ loaded, read: () => loadStatic(staticFlags), log });
  return runUntilSignal(
    {
      ready,
      failed: running.failed,
      stop: () => running.stop(),
      reload: () => running.reload(staticReload.read()),
    },
    log,
  );
}
