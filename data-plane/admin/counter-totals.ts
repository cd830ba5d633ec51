/**
 * Request counters of the process: the sum over its workers. A worker's counters start from zero with it, so what a dead
 * one last reported stays in the sum; a total that shrinks would look like a restart to whoever scrapes it.
 */
import type {
  CounterReport,
  RequestCounterReport,
  UdpCounterReport,
} from "../worker/worker-protocol.ts";
import { sumUdp } from "./sum-udp.ts";

interface RequestTotal {
  readonly status: number;
  readonly method: string;
  count: number;
  durationSecondsSum: number;
  /** Cumulative from the smallest bound. */
  readonly buckets: number[];
}

/** By name of the entry point, router or service. */
export type RequestTotals = ReadonlyMap<string, readonly RequestTotal[]>;

export interface ProcessTotals {
  readonly entryPoints: RequestTotals;
  readonly routers: RequestTotals;
  readonly services: RequestTotals;
  /** By entry point. */
  readonly openConnections: ReadonlyMap<string, number>;
  readonly udp: readonly UdpCounterReport[];
}

/** Anyone can send any method: a series for each would grow without bound. */
const knownMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

type Section = Map<string, Map<string, RequestTotal>>;

class Sum {
  readonly #sections = {
    entryPoints: new Map() as Section,
    routers: new Map() as Section,
    services: new Map() as Section,
  };

  add(report: CounterReport): void {
    addAll(this.#sections.entryPoints, report.entryPoints);
    addAll(this.#sections.routers, report.routers);
    addAll(this.#sections.services, report.services);
  }

  totals(): Omit<ProcessTotals, "openConnections" | "udp"> {
    const { entryPoints, routers, services } = this.#sections;
    return {
      entryPoints: flatten(entryPoints),
      routers: flatten(routers),
      services: flatten(services),
    };
  }
}

export class CounterTotals {
  /** Last report of each worker, dead ones included until they are retired. */
  readonly #last = new Map<number, CounterReport>();
  readonly #retired: CounterReport[] = [];

  update(worker: number, report: CounterReport): void {
    this.#last.set(worker, report);
  }

  /** The worker has ended, or one that starts from zero has taken its number. */
  retire(worker: number): void {
    const report = this.#last.get(worker);
    this.#last.delete(worker);
    if (report !== undefined) this.#fold(report);
  }

  totals(): ProcessTotals {
    const sum = new Sum();
    const openConnections = new Map<string, number>();
    const all = [...this.#retired, ...this.#last.values()];
    for (const report of all) {
      sum.add(report);
      for (const { entryPoint, open } of report.openConnections) {
        openConnections.set(entryPoint, open + (openConnections.get(entryPoint) ?? 0));
      }
    }
    return { ...sum.totals(), openConnections, udp: sumUdp(all.flatMap(({ udp }) => udp)) };
  }

  /** Kept as one report, however many workers have died. */
  #fold(report: CounterReport): void {
    const sum = new Sum();
    const retired = [...this.#retired.splice(0), report];
    for (const one of retired) sum.add(one);
    const { entryPoints, routers, services } = sum.totals();
    this.#retired.push({
      entryPoints: reports(entryPoints),
      routers: reports(routers),
      services: reports(services),
      // With a worker its connections and sessions are gone.
      udp: sumUdp(retired.flatMap(({ udp }) => udp)).map((one) => ({ ...one, openSessions: 0 })),
      openConnections: [],
    });
  }
}

function addAll(section: Section, reports: readonly RequestCounterReport[]): void {
  for (const { name, rows } of reports) {
    let totals = section.get(name);
    if (totals === undefined) {
      totals = new Map();
      section.set(name, totals);
    }
    for (const row of rows) addRow(totals, row);
  }
}

function addRow(
  totals: Map<string, RequestTotal>,
  row: RequestCounterReport["rows"][number],
): void {
  const { status, count, durationSecondsSum, buckets } = row;
  const method = knownMethods.has(row.method) ? row.method : "EXTENSION_METHOD";
  const key = `${status} ${method}`;
  const total = totals.get(key);
  if (total === undefined) {
    totals.set(key, { status, method, count, durationSecondsSum, buckets: [...buckets] });
    return;
  }
  total.count += count;
  total.durationSecondsSum += durationSecondsSum;
  for (const [index, value] of buckets.entries()) {
    total.buckets[index] = (total.buckets[index] ?? 0) + value;
  }
}

function flatten(section: Section): RequestTotals {
  return new Map([...section].map(([name, totals]) => [name, [...totals.values()]]));
}

function reports(totals: RequestTotals): RequestCounterReport[] {
  return [...totals].map(([name, rows]) => ({ name, rows }));
}
