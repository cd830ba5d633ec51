import type { CounterReport, RequestCounterReport } from "../worker/worker-protocol.ts";
import { OpenConnections } from "./open-connections.ts";
import { RequestCounters } from "./request-counters.ts";
import { UdpCounterFamily } from "./udp-counters.ts";

/**
 * Counters by name, made when first asked for. They belong to the name, not to the object behind it: a changed router
 * counts on. What was retired is reported once more, so that its last requests are not lost.
 */
export class CounterFamily {
  readonly #current = new Map<string, RequestCounters>();
  readonly #retired = new Set<string>();

  of(name: string): RequestCounters {
    this.#retired.delete(name);
    let counters = this.#current.get(name);
    if (counters === undefined) {
      counters = new RequestCounters(name);
      this.#current.set(name, counters);
    }
    return counters;
  }

  /** The object of that name is gone. */
  retire(name: string): void {
    if (this.#current.has(name)) this.#retired.add(name);
  }

  /** The object of that name is back, or was never gone. */
  keep(name: string): void {
    this.#retired.delete(name);
  }

  report(): RequestCounterReport[] {
    const reports = [...this.#current.values()].map((counters) => counters.report());
    for (const name of this.#retired) this.#current.delete(name);
    this.#retired.clear();
    return reports;
  }
}

export class CounterRegistry {
  readonly entryPoints = new CounterFamily();
  readonly routers = new CounterFamily();
  readonly services = new CounterFamily();
  readonly udp = new UdpCounterFamily();
  readonly openConnections = new OpenConnections();

  report(): CounterReport {
    return {
      entryPoints: this.entryPoints.report(),
      routers: this.routers.report(),
      services: this.services.report(),
      udp: this.udp.report(),
      openConnections: this.openConnections.report(),
    };
  }
}
