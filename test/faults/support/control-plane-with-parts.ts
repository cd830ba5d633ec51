/** `switchyard control-plane` with parts of a test's choosing: `node THIS '{"leaseTtlSeconds":2}' --state-dir=DIR FLAGS...`. */
import { separateControlPlane } from "../../../cli/control-plane-options.ts";
import { loadStatic } from "../../../cli/load-static.ts";
import { runUntilSignal } from "../../../cli/run-until-signal.ts";
import { ControlPlane, type ControlPlaneParts } from "../../../control-plane/control-plane.ts";
import { createLog } from "../../../foundation/pino-log.ts";
import { EmptyWhenUnreadStore } from "./empty-when-unread-store.ts";

export interface ChosenParts
  extends Pick<ControlPlaneParts, "awaitsSources" | "leaseTtlSeconds" | "censusMs"> {
  /** The store counts as empty until it has been read, which is what a control plane must never do. */
  readonly offersUnread?: boolean;
}

const [chosen = "{}", stateDir = "", ...flags] = process.argv.slice(2);
const { offersUnread, ...parts }: ChosenParts = JSON.parse(chosen);
const { configuration } = loadStatic(flags);
const running = new ControlPlane({
  options: separateControlPlane(configuration, stateDir.replace("--state-dir=", "")),
  parts: { ...parts, ...(offersUnread === true && { store: new EmptyWhenUnreadStore() }) },
  log: createLog({ level: configuration.log.level, format: "json" }),
});
const ready = running.start();
process.exitCode = await runUntilSignal(
  { ready, failed: running.failed, stop: () => running.stop() },
  createLog({ level: "info", format: "json" }),
);
