import {
  heartbeatSlot,
  openConnectionsSlot,
  workerColumnLength,
  workerHeartbeatMs,
} from "../worker/worker-protocol.ts";

/** A worker whose heartbeat stands still for longer than this gets no new connections. */
const stalledAfterMs = 2 * workerHeartbeatMs;

interface Beat {
  value: number;
  seenAtMs: number;
}

/**
 * Picks the worker for a new connection: fewest open connections among those that serve and whose event loop turns.
 * When none turns, the fewest among those that serve: a late answer beats none.
 */
export class WorkerChoice {
  readonly #columns: Int32Array;
  readonly #now: () => number;
  readonly #beats = new Map<number, Beat>();

  constructor(columns: Int32Array, now: () => number = () => performance.now()) {
    this.#columns = columns;
    this.#now = now;
  }

  /** Undefined while no worker serves. Counts the connection in the chosen worker's column; the worker counts it out. */
  choose(): number | undefined {
    const now = this.#now();
    let best: number | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (const [worker, beat] of this.#beats) {
      const value = this.#slot(worker, heartbeatSlot);
      if (value !== beat.value) {
        beat.value = value;
        beat.seenAtMs = now;
      }
      const stalled = now - beat.seenAtMs > stalledAfterMs;
      // A stalled worker ranks behind every turning one, whatever it has open.
      const load = this.#slot(worker, openConnectionsSlot) + (stalled ? 2 ** 31 : 0);
      if (load < bestLoad) {
        best = worker;
        bestLoad = load;
      }
    }
    if (best !== undefined) Atomics.add(this.#columns, best * workerColumnLength, 1);
    return best;
  }

  /** The worker holds the current state. */
  add(worker: number): void {
    this.#beats.set(worker, { value: -1, seenAtMs: this.#now() });
  }

  /** Its column is zeroed: what it had open is gone with it. */
  remove(worker: number): void {
    this.#beats.delete(worker);
    this.#columns.fill(0, worker * workerColumnLength, (worker + 1) * workerColumnLength);
  }

  #slot(worker: number, slot: number): number {
    return Atomics.load(this.#columns, worker * workerColumnLength + slot);
  }
}
