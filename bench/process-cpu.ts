import { readdirSync, readFileSync } from "node:fs";

/**
 * CPU a process has used, user and system, in milliseconds: the scheduler's own nanoseconds of its threads (the clock
 * ticks of /proc/PID/stat are 10 ms, too coarse for a change). Threads that have ended meanwhile are not counted.
 */
export function processCpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const fields = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ");
    nanoseconds += Number(fields[0]);
  }
  return nanoseconds / 1e6;
}
