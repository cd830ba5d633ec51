import type { UdpCounterReport } from "../worker/worker-protocol.ts";

/** Of one entry point in one worker. */
export class UdpCounters {
  openSessions = 0;
  sessions = 0;
  /** Ended because there were too many. */
  evictedSessions = 0;
  receivedDatagrams = 0;
  sentDatagrams = 0;
  /** In either direction. */
  droppedDatagrams = 0;

  report(entryPoint: string): UdpCounterReport {
    const { openSessions, sessions, evictedSessions } = this;
    const { receivedDatagrams, sentDatagrams, droppedDatagrams } = this;
    return {
      ...{ entryPoint, openSessions, sessions, evictedSessions },
      ...{ receivedDatagrams, sentDatagrams, droppedDatagrams },
    };
  }
}

/** By entry point, made when first asked for. What was retired is reported once more. */
export class UdpCounterFamily {
  readonly #current = new Map<string, UdpCounters>();
  readonly #retired = new Set<string>();

  of(entryPoint: string): UdpCounters {
    this.#retired.delete(entryPoint);
    let counters = this.#current.get(entryPoint);
    if (counters === undefined) {
      counters = new UdpCounters();
      this.#current.set(entryPoint, counters);
    }
    return counters;
  }

  retire(entryPoint: string): void {
    if (this.#current.has(entryPoint)) this.#retired.add(entryPoint);
  }

  report(): UdpCounterReport[] {
    const reports = [...this.#current].map(([name, counters]) => counters.report(name));
    for (const name of this.#retired) this.#current.delete(name);
    this.#retired.clear();
    return reports;
  }
}
