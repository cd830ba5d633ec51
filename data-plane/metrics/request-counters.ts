import type { RequestCounterReport } from "../worker/worker-protocol.ts";

/** Upper bounds of the duration histogram in seconds, as in Traefik; +Inf is the count. */
export const durationBucketsSeconds = [0.1, 0.3, 1.2, 5] as const;

const [bound0, bound1, bound2, bound3] = durationBucketsSeconds;

/** Methods that are counted by name; clients can make up others without end. */
const countedMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
]);
const anyOtherMethod = "EXTENSION_METHOD";

/** Places in a row's numbers; what is slower than every bound is counted in none. */
const countAt = 0;
const sumAt = 1;
const firstBucketAt = 2;

interface Row {
  readonly status: number;
  readonly method: string;
  /** Count, sum of durations, then requests between one bound and the next. */
  readonly numbers: Float64Array;
}

/** Requests of one entry point, router or service in one worker: a row per (status, method), made when first seen. */
export class RequestCounters {
  readonly name: string;
  readonly #rows: Row[] = [];
  /** Most requests are counted where the one before was. */
  #lastRow: Row | undefined;

  constructor(name: string) {
    this.name = name;
  }

  record(method: string, status: number, durationSeconds: number): void {
    let row = this.#lastRow;
    if (row === undefined || row.status !== status || row.method !== method) {
      row = this.#row(method, status);
      this.#lastRow = row;
    }
    const { numbers } = row;
    numbers[countAt] = (numbers[countAt] ?? 0) + 1;
    numbers[sumAt] = (numbers[sumAt] ?? 0) + durationSeconds;
    if (durationSeconds > bound3) return;
    let bucket = firstBucketAt;
    if (durationSeconds > bound0) bucket += 1;
    if (durationSeconds > bound1) bucket += 1;
    if (durationSeconds > bound2) bucket += 1;
    numbers[bucket] = (numbers[bucket] ?? 0) + 1;
  }

  report(): RequestCounterReport {
    return { name: this.name, rows: this.#rows.map(reportOf) };
  }

  #row(method: string, status: number): Row {
    const counted = countedMethods.has(method) ? method : anyOtherMethod;
    for (const row of this.#rows) {
      if (row.status === status && row.method === counted) return row;
    }
    const numbers = new Float64Array(firstBucketAt + durationBucketsSeconds.length);
    const row: Row = { status, method: counted, numbers };
    this.#rows.push(row);
    return row;
  }
}

function reportOf({ status, method, numbers }: Row): RequestCounterReport["rows"][number] {
  let soFar = 0;
  const buckets = durationBucketsSeconds.map((_bound, index) => {
    soFar += numbers[firstBucketAt + index] ?? 0;
    return soFar;
  });
  const [count = 0, durationSecondsSum = 0] = numbers;
  return { status, method, count, durationSecondsSum, buckets };
}
