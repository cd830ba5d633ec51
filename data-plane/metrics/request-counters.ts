import type { RequestCounterReport } from "../worker/worker-protocol.ts";

/** Upper bounds of the duration histogram in seconds, as in Traefik; +Inf is the count. */
export const durationBucketsSeconds = [0.1, 0.3, 1.2, 5] as const;

interface Row {
  readonly status: number;
  readonly method: string;
  count: number;
  durationSecondsSum: number;
  readonly buckets: number[];
}

/** Requests of one entry point, router or service in one worker: a row per (status, method), made when first seen. */
export class RequestCounters {
  readonly name: string;
  readonly #rows = new Map<string, Row[]>();

  constructor(name: string) {
    this.name = name;
  }

  record(method: string, status: number, durationSeconds: number): void {
    const row = this.#row(method, status);
    row.count += 1;
    row.durationSecondsSum += durationSeconds;
    for (let i = durationBucketsSeconds.length - 1; i >= 0; i -= 1) {
      const bound = durationBucketsSeconds[i] ?? 0;
      if (durationSeconds > bound) break;
      row.buckets[i] = (row.buckets[i] ?? 0) + 1;
    }
  }

  report(): RequestCounterReport {
    return { name: this.name, rows: [...this.#rows.values()].flat() };
  }

  #row(method: string, status: number): Row {
    let rows = this.#rows.get(method);
    if (rows === undefined) {
      rows = [];
      this.#rows.set(method, rows);
    }
    for (const row of rows) if (row.status === status) return row;
    const row: Row = {
      status,
      method,
      count: 0,
      durationSecondsSum: 0,
      buckets: durationBucketsSeconds.map(() => 0),
    };
    rows.push(row);
    return row;
  }
}
