/** What one stage took of this process. */
export interface Stage {
  readonly name: string;
  readonly wallMs: number;
  /** User and system, of all threads: collecting garbage is in it. */
  readonly cpuMs: number;
  /** Highest resident memory of the process up to the end of the stage. */
  readonly peakMiB: number;
}

export interface Measured<T> {
  readonly value: T;
  readonly stage: Stage;
}

export async function measured<T>(name: string, work: () => T | Promise<T>): Promise<Measured<T>> {
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  const stage = {
    name,
    wallMs: performance.now() - startedAtMs,
    cpuMs: (user + system) / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
  return { value, stage };
}
