import { elapsedMs, monotonicMs } from "../../foundation/monotonic-ms.ts";
import {
  heartbeatSlot,
  openConnectionsSlot,
  workerColumnLength,
  workerHeartbeatMs,
} from "../worker/worker-protocol.ts";

/** A worker whose last heartbeat is older than this gets no new connections. */
const stalledAfterMs = 2 * workerHeartbeatMs;
const stalledPenalty = 2 ** 31;

/**
 * Picks the worker for a new connection: fewest open connections among those that serve and whose event loop turns.
 * When none turns, the fewest among those that serve: a late answer beats none.
 */
export class WorkerChoice {
  readonly #columns: Int32Array;
  readonly #now: () => number;
  readonly #serving = new Set<number>();

  constructor(columns: Int32Array, now: () => number = monotonicMs) {
    this.#columns = columns;
    this.#now = now;
  }

  /** Undefined while no worker serves. Counts the connection in the chosen worker's column; the worker counts it out. */
  choose(): number | undefined {
    const now = this.#now();
    let best: number | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (const worker of this.#serving) {
      const stalled = elapsedMs(this.#slot(worker, heartbeatSlot), now) > stalledAfterMs;
      const load = this.#slot(worker, openConnectionsSlot) + (stalled ? stalledPenalty : 0);
      if (load < bestLoad) {
        best = worker;
        bestLoad = load;
      }
    }
    if (best !== undefined) {
      Atomics.add(this.#columns, best * workerColumnLength + openConnectionsSlot, 1);
    }
    return best;
  }

  /** The worker holds the current state. */
  add(worker: number): void {
    this.#serving.add(worker);
  }

  /** Its column is zeroed: what it had open is gone with it. */
  remove(worker: number): void {
    this.#serving.delete(worker);
    this.#columns.fill(0, worker * workerColumnLength, (worker + 1) * workerColumnLength);
  }

  #slot(worker: number, slot: number): number {
    return Atomics.load(this.#columns, worker * workerColumnLength + slot);
  }
}
