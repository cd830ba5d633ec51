import { sleep } from "../../foundation/sleep.ts";

/**
 * Waits for what is ending, but not for ever: a call to a silent etcd cannot be called off and ends by its deadline, and whoever
 * stops need not wait for that. `work` never rejects.
 */
export async function settledWithin(ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work.finally(() => done.abort()), sleep(ms, done.signal)]);
}
