import { errorText } from "../foundation/error-text.ts";
import type { Logger } from "../foundation/log.ts";
import { CommandFailedError, exitCode } from "./exit-code.ts";

export interface RunningProcess {
  /** Resolves when everything asked for runs; rejects when it cannot. */
  readonly ready: Promise<void>;
  /** Rejects when the process cannot go on; never resolves. */
  readonly failed: Promise<never>;
  /** Drains and ends everything; may be called before `ready`. */
  stop(): Promise<void>;
  /** SIGHUP. */
  reload?(): void;
}

/**
 * Waits for SIGTERM or SIGINT, then drains; a second signal ends the process at once. Signals count from the first
 * moment, also while the process starts. What fails before `ready` is thrown as `CommandFailedError`; what fails later is
 * a log line and exit code 1.
 */
export async function runUntilSignal(running: RunningProcess, log: Logger): Promise<number> {
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  let count = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    count += 1;
    if (count > 1) process.exit(exitCode.failed);
    signalled.resolve(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // Without a listener SIGHUP would end the process; where there is nothing to reload it is ignored.
  process.on("SIGHUP", () => running.reload?.());
  await started(running, signalled.promise);
  try {
    const signal = await Promise.race([signalled.promise, running.failed]);
    log.info("stopping", { signal });
    await running.stop();
    log.info("stopped");
    return exitCode.done;
  } catch (error) {
    log.error(errorText(error));
    await running.stop().catch(() => {}); // the failure has been reported; this is only tidying up
    return exitCode.failed;
  }
}

async function started(running: RunningProcess, signalled: Promise<unknown>): Promise<void> {
  try {
    await Promise.race([running.ready, running.failed, signalled]);
  } catch (error) {
    await running.stop().catch(() => {}); // the failure to start is what is reported
    const reason = errorText(error);
    throw new CommandFailedError(reason, { cause: error });
  }
}
