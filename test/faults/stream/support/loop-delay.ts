import { monitorEventLoopDelay } from "node:perf_hooks";

/** Delays of this process's event loop while `work` runs, in ms, less the timer's own resolution. */
export async function loopDelayDuring(
  work: () => Promise<unknown>,
): Promise<{ readonly p99Ms: number; readonly maxMs: number }> {
  const resolutionMs = 2;
  const monitor = monitorEventLoopDelay({ resolution: resolutionMs });
  monitor.enable();
  await work();
  monitor.disable();
  const ms = (ns: number) => Math.max(0, ns / 1e6 - resolutionMs);
  return { p99Ms: ms(monitor.percentile(99)), maxMs: ms(monitor.max) };
}
