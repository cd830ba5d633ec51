/**
 * Watches how full etcd's database is: an etcd at its quota takes no write any more, and what comes then is an outage that was long
 * to be seen. Reads now and then, says once when 70 % are reached, and once when that is over.
 */
import type { Logger } from "../../foundation/log.ts";
import { sleep } from "../../foundation/sleep.ts";
import { EtcdClient } from "./etcd-client.ts";
import type { EtcdAccess } from "./etcd-connection.ts";
import { readQuotaBytes } from "./etcd-quota.ts";
import { settledWithin } from "./settled-within.ts";

export interface DatabaseStatus {
  readonly endpoint: string;
  readonly version: string;
  /** Of the file, which only defragmentation makes smaller; this is what the quota limits. */
  readonly sizeBytes: number;
  /** What of it holds data. */
  readonly inUseBytes: number;
  readonly quotaBytes: number;
  /** etcd does not tell its quota: its default is assumed. */
  readonly isQuotaAssumed: boolean;
  readonly isNearlyFull: boolean;
  /** As etcd words them: `NOSPACE` says that it takes no writes. */
  readonly alarms: readonly string[];
}

export interface EtcdDatabaseInit {
  readonly etcd: EtcdAccess;
  readonly log: Logger;
  readonly intervalMs?: number;
}

const usualIntervalMs = 30_000;
const alarmShare = 0.7;
/** An alarm ends below this, so that it does not come and go. */
const calmShare = 0.65;
/** etcd's own default. */
const defaultQuotaBytes = 2 * 1024 ** 3;
const stopGraceMs = 1_000;

export class EtcdDatabase implements AsyncDisposable {
  readonly #etcd: EtcdAccess;
  readonly #log: Logger;
  readonly #intervalMs: number;
  readonly #client: EtcdClient;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #status: DatabaseStatus | undefined;
  #isFull: boolean = false;

  constructor({ etcd, log, intervalMs = usualIntervalMs }: EtcdDatabaseInit) {
    this.#etcd = etcd;
    this.#log = log;
    this.#intervalMs = intervalMs;
    this.#client = new EtcdClient(etcd);
  }

  /** What was read last; absent until etcd has answered once. */
  get status(): DatabaseStatus | undefined {
    return this.#status;
  }

  start(): void {
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#client.close();
    await settledWithin(stopGraceMs, this.#running);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#take(await this.#read());
      } catch (error) {
        // That etcd is out of reach is said by those who need it.
        this.#log.debug("etcd's database could not be read", { error });
      }
      await sleep(this.#intervalMs, signal);
    }
  }

  async #read(): Promise<DatabaseStatus> {
    const { endpoint, ...status } = await this.#client.databaseStatus();
    const told = await readQuotaBytes(endpoint, this.#etcd);
    const quotaBytes = told ?? defaultQuotaBytes;
    const wasNearlyFull = this.#status?.isNearlyFull === true;
    const share = status.sizeBytes / quotaBytes;
    return {
      endpoint,
      ...status,
      quotaBytes,
      isQuotaAssumed: told === undefined,
      isNearlyFull: share >= (wasNearlyFull ? calmShare : alarmShare),
    };
  }

  #take(status: DatabaseStatus): void {
    if (this.#stopping.signal.aborted) return;
    const wasNearlyFull = this.#status?.isNearlyFull === true;
    this.#status = status;
    const { endpoint, sizeBytes, quotaBytes, isNearlyFull } = status;
    const percent = Math.round((sizeBytes / quotaBytes) * 100);
    const isFull = status.alarms.some((alarm) => alarm.includes("NOSPACE"));
    if (isFull && !this.#isFull) {
      this.#log.error(
        "etcd's database is full: nothing can be written until it is compacted, defragmented and disarmed",
        {
          endpoint,
          sizeBytes,
          quotaBytes,
        },
      );
    }
    this.#isFull = isFull;
    if (isNearlyFull === wasNearlyFull) return;
    const fields = { endpoint, percent, sizeBytes, quotaBytes };
    if (isNearlyFull) {
      this.#log.warn(
        "etcd's database is nearly full: compact and defragment it, or raise its quota",
        fields,
      );
    } else this.#log.info("etcd's database has room again", fields);
  }
}
