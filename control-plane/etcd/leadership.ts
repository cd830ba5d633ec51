/**
 * One leader among the replicas: who holds the leader key, which lives on a lease.
 *
 * A lease is no lock: a process that was stopped may go on writing after another one leads. So `current()` also ends by this
 * process's monotonic clock, counted from when the last answered keepalive was *sent* and before etcd lets the lease go; and
 * every write must be a transaction that compares the leader key (`leadUnchanged`), which no two terms share.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Logger } from "../../foundation/log.ts";
import { sleep } from "../../foundation/sleep.ts";
import type { Compare, EtcdClient, KeyValue } from "./etcd-client.ts";
import { oneKey } from "./key-range.ts";
import { OutageLog } from "./outage-log.ts";

export interface Lead {
  readonly key: string;
  readonly createRevision: bigint;
  /** Value of the key: in a store that was emptied and begins anew, revisions come a second time. */
  readonly candidate: string;
}

/** What every write of a leader must be compared with. */
export function leadUnchanged({ key, createRevision, candidate }: Lead): readonly Compare[] {
  return [
    { key, target: "create", revision: createRevision },
    { key, target: "value", value: candidate },
  ];
}

export interface LeadershipInit {
  /** Used by nobody else: a keepalive must not wait behind large answers, and failures renew the connection. */
  readonly client: EtcdClient;
  readonly key: string;
  readonly ttlSeconds: number;
  readonly log: Logger;
  /** Asked before this process stands, and while it leads when it is told to `reconsider()`. */
  readonly mayStand?: () => Promise<boolean>;
  /** Monotonic milliseconds; never the wall clock, which may jump either way. */
  readonly now?: () => number;
  onGained(lead: Lead): void;
  onLost(): void;
}

/** How long before the lease's end this process stops to lead. */
const safetyMarginMs = 500;
/** How often a replica that does not lead looks whether the key is free: part of what a takeover takes. */
const lookIntervalMs = 250;
const retryIntervalMs = 250;
const keepAliveDeadlineMs = 1_500;

interface Term extends Lead {
  validUntilMs: number;
}

export class Leadership {
  readonly #init: LeadershipInit;
  readonly #candidate = `${hostname()}/${process.pid}/${randomBytes(6).toString("hex")}`;
  readonly #outage: OutageLog;
  readonly #now: () => number;
  #leaseId: string | undefined;
  #term: Term | undefined;
  /** Aborted to end the sleep of a leader that has to look up. */
  #lookUp = new AbortController();

  constructor(init: LeadershipInit) {
    this.#init = init;
    this.#now = init.now ?? (() => performance.now());
    this.#outage = new OutageLog("Leader election", init.log);
  }

  current(): Lead | undefined {
    const term = this.#term;
    return term !== undefined && this.#now() < term.validUntilMs ? term : undefined;
  }

  /** A fenced write was refused: whatever the clock says, this term is over. */
  refused(lead: Lead): void {
    if (this.#term === lead) this.#term.validUntilMs = 0;
  }

  /** Whether this process may lead is to be asked again: what it depends on has changed. */
  reconsider(): void {
    this.#lookUp.abort();
  }

  /** Stands for leader until `signal` aborts, then hands the key back at once. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const term = await this.#acquire();
        this.#outage.recovered();
        if (term === undefined) await this.#sleep(lookIntervalMs, signal);
        else await this.#hold(term, signal);
      } catch (error) {
        this.#outage.failed(error instanceof Error ? error : new Error(String(error)));
        await sleep(retryIntervalMs, signal);
      }
    }
    await this.#resign();
  }

  /** Ends early when there is something to look at. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms, AbortSignal.any([signal, this.#lookUp.signal]));
    if (this.#lookUp.signal.aborted) this.#lookUp = new AbortController();
  }

  async #mayStand(): Promise<boolean> {
    return (await this.#init.mayStand?.()) ?? true;
  }

  async #acquire(): Promise<Term | undefined> {
    const { client, key } = this.#init;
    if (!(await this.#mayStand())) return undefined;
    const holder = (await client.range(oneKey(key))).pairs[0];
    if (holder === undefined) return await this.#take();
    // Ours: an answer that was lost, or an outage that the lease survived.
    if (holder.value.toString() === this.#candidate) return await this.#resume(holder);
    return undefined;
  }

  async #take(): Promise<Term | undefined> {
    const { client, key, ttlSeconds } = this.#init;
    const sentAtMs = this.#now();
    const leaseId = await client.grantLease(ttlSeconds);
    this.#leaseId = leaseId;
    const { succeeded, revision } = await client.transaction({
      compare: [{ key, target: "create", revision: 0n }],
      success: [{ kind: "put", key, value: Buffer.from(this.#candidate), leaseId }],
    });
    if (!succeeded) {
      await client.revokeLease(leaseId);
      return undefined;
    }
    return this.#newTerm(revision, sentAtMs, ttlSeconds);
  }

  async #resume({ createRevision }: KeyValue): Promise<Term | undefined> {
    if (this.#leaseId === undefined) return undefined;
    const sentAtMs = this.#now();
    const left = await this.#init.client.keepLeaseAlive(this.#leaseId, keepAliveDeadlineMs);
    if (left <= 0) return undefined;
    return this.#newTerm(BigInt(createRevision), sentAtMs, left);
  }

  #newTerm(createRevision: bigint, sentAtMs: number, ttlSeconds: number): Term {
    return {
      key: this.#init.key,
      candidate: this.#candidate,
      createRevision,
      validUntilMs: validUntilMs(sentAtMs, ttlSeconds),
    };
  }

  async #hold(term: Term, signal: AbortSignal): Promise<void> {
    this.#term = term;
    this.#init.onGained(term);
    let waitMs = (this.#init.ttlSeconds * 1_000) / 3;
    while (!signal.aborted && this.#now() < term.validUntilMs) {
      await this.#sleep(Math.min(waitMs, term.validUntilMs - this.#now()), signal);
      if (signal.aborted || this.#now() >= term.validUntilMs) break;
      // Without an answer the term goes on: writes are fenced.
      if (!(await this.#mayStand().catch(() => true))) {
        await this.#stepDown();
        return;
      }
      waitMs = (await this.#extend(term)) ? (this.#init.ttlSeconds * 1_000) / 3 : retryIntervalMs;
    }
    this.#term = undefined;
    this.#init.onLost();
  }

  /** Others take over at once. */
  async #stepDown(): Promise<void> {
    this.#term = undefined;
    this.#init.onLost();
    await this.#resign();
  }

  async #extend(term: Term): Promise<boolean> {
    const sentAtMs = this.#now();
    const deadlineMs = Math.min(keepAliveDeadlineMs, term.validUntilMs - sentAtMs);
    try {
      const left = await this.#init.client.keepLeaseAlive(this.#leaseId ?? "", deadlineMs);
      this.#outage.recovered();
      // A term that was refused meanwhile stays over.
      if (left <= 0) term.validUntilMs = 0;
      else if (term.validUntilMs > 0) term.validUntilMs = validUntilMs(sentAtMs, left);
      return true;
    } catch (error) {
      this.#outage.failed(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  async #resign(): Promise<void> {
    if (this.#leaseId === undefined) return;
    // Without an answer the lease runs out by itself.
    await this.#init.client.revokeLease(this.#leaseId).catch(() => {});
  }
}

function validUntilMs(sentAtMs: number, ttlSeconds: number): number {
  return sentAtMs + ttlSeconds * 1_000 - safetyMarginMs;
}
