/**
 * List, then watch: keeps the pairs below a prefix and hands over what changes, so that a reader's state always is the state
 * etcd had at some revision, reached in order.
 *
 * - The first list arrives in pages, then `onListed`; a list that has to begin again (etcd lost half-way) hands over
 *   only what differs from the pages before.
 * - Then every revision's changes arrive together: a transaction is one call of `onChanges`.
 * - When history is lost (compaction while disconnected, a restored or replaced store) the prefix is listed anew at one
 *   revision, and the differences arrive as one call. A pair written with the value it had is no difference.
 * - From time to time, and after every interruption, what is known is compared with what etcd has. What the watch did not
 *   tell is counted, and a list makes up for it.
 */
import { backoffDelayMs } from "../../foundation/backoff.ts";
import { sleep } from "../../foundation/sleep.ts";
import { comparePrefix } from "./compare-prefix.ts";
import type { EtcdClient, KeyValue } from "./etcd-client.ts";
import { etcdBackoff, followRange, type Witness } from "./follow-range.ts";
import { type KeyRange, prefixRange } from "./key-range.ts";
import type { KnownPairs, PairChange, PairEdit } from "./known-pairs.ts";
import { listRange, slices } from "./list-range.ts";
import type { RangeEvent } from "./watch-events.ts";
import type { WatchGuards } from "./watch-guards.ts";

export interface WatchPrefixInit {
  /** Used by nobody else; the caller closes it. */
  readonly client: EtcdClient;
  readonly prefix: string;
  /** Empty; holds from now on what was handed over. */
  readonly pairs: KnownPairs;
  /** No key twice; empty when only keys changed that are no text. `pairs` takes the changes in afterwards. */
  onChanges(changes: readonly PairChange[], revision: bigint): void;
  /** The first list is through. Once. */
  onListed(revision: bigint): void;
  /** Called for every failed attempt; the caller tells a change of reason. */
  onUnavailable(error: Error): void;
  onAvailable(): void;
  /** So many keys the watch had not told of; they are read anew. */
  onRepair?(keys: number): void;
  /** Absent: what is known is never compared. */
  readonly reconcile?: ReconcileInit;
  readonly counts?: WatchCounts;
  readonly guards?: WatchGuards;
}

interface ReconcileInit {
  /** Used by nobody else; the caller closes it. */
  readonly client: EtcdClient;
  readonly intervalMs: number;
  /** How long a difference may be on its way through the watch. */
  readonly settleMs: number;
}

/** Counted since the watch began. */
export interface WatchCounts {
  /** Whole readings of the prefix, the first one included. */
  lists: number;
  /** Watch streams opened. */
  streams: number;
  /** Comparisons that came to an end. */
  comparisons: number;
  /** Keys the watch had not told of. */
  repairs: number;
}

export function createWatchCounts(): WatchCounts {
  return { lists: 0, streams: 0, comparisons: 0, repairs: 0 };
}

/** Runs until `signal` aborts; never rejects. */
export async function watchPrefix(init: WatchPrefixInit, signal: AbortSignal): Promise<void> {
  const watch = new PrefixWatch(init, signal);
  for (let failures = 0; !signal.aborted; ) {
    try {
      const listed = await watch.list();
      if (listed === undefined) return;
      failures = 0;
      await watch.follow(listed);
    } catch (error) {
      if (signal.aborted) return;
      init.onUnavailable(error instanceof Error ? error : new Error(String(error)));
      init.client.renew();
      await sleep(backoffDelayMs(failures++, etcdBackoff), signal);
    }
  }
}

interface Listed {
  readonly clusterId: string;
  readonly revision: bigint;
  readonly witness: Witness | undefined;
}

/** A comparison after an interruption waits for so many times of what the last one took: a shaky line must not cost a list each time. */
const comparisonPauseFactor = 20;

class PrefixWatch {
  readonly #init: WatchPrefixInit;
  readonly #range: KeyRange;
  readonly #pairs: KnownPairs;
  readonly #counts: WatchCounts;
  readonly #signal: AbortSignal;
  #complete: boolean = false;
  #completeUpTo = 0n;

  constructor(init: WatchPrefixInit, signal: AbortSignal) {
    this.#init = init;
    this.#range = prefixRange(init.prefix);
    this.#pairs = init.pairs;
    this.#counts = init.counts ?? createWatchCounts();
    this.#signal = signal;
  }

  /** Nothing when it was called off. */
  async list(): Promise<Listed | undefined> {
    const { client, onAvailable } = this.#init;
    this.#counts.lists += 1;
    this.#pairs.beginPass();
    const differences: PairEdit[] = [];
    let listed: Listed | undefined;
    for await (const { clusterId, revision, pairs } of listRange(client, this.#range)) {
      if (this.#signal.aborted) return undefined;
      onAvailable.call(this.#init);
      listed = { clusterId, revision, witness: newest(listed?.witness, pairs) };
      for await (const slice of slices(pairs)) {
        if (this.#signal.aborted) return undefined;
        const edits = this.#differences(slice);
        if (this.#complete) for (const edit of edits) differences.push(edit);
        else this.#handOver(edits, revision);
      }
    }
    if (listed === undefined) throw new Error(`Cannot list ${this.#init.prefix}: no page came`);
    // Pairs that are new among the differences are not known yet, and so are not among the unseen.
    for await (const edit of this.#pairs.unseen()) differences.push(edit);
    this.#handOver(differences, listed.revision);
    if (!this.#complete) {
      this.#complete = true;
      this.#init.onListed(listed.revision);
    }
    return listed;
  }

  /** Resolves when only a list can help, or it is called off. */
  async follow({ clusterId, revision, witness }: Listed): Promise<void> {
    const { client, guards } = this.#init;
    const ending = new AbortController();
    const interruption = new Interruption();
    this.#completeUpTo = revision;
    void this.#compareRegularly(ending, interruption);
    let streams = 0;
    await followRange(
      {
        client,
        range: this.#range,
        clusterId,
        fromRevision: revision + 1n,
        witness,
        onRevision: (events, at) => this.#apply(events, at),
        onUnavailable: (error) => this.#init.onUnavailable(error),
        onAvailable: () => this.#init.onAvailable(),
        onOpening: () => {
          this.#counts.streams += 1;
          if (streams++ > 0) interruption.happened();
        },
        knownUpTo: () => this.#completeUpTo,
        ...(guards !== undefined && { guards }),
      },
      AbortSignal.any([this.#signal, ending.signal]),
    );
    ending.abort();
  }

  /** Ends the following when something was lost. Never rejects. */
  async #compareRegularly(ending: AbortController, interruption: Interruption): Promise<void> {
    const { reconcile } = this.#init;
    if (reconcile === undefined) return;
    const signal = AbortSignal.any([this.#signal, ending.signal]);
    for (let tookMs = 0; !signal.aborted; ) {
      if (await interruption.within(jittered(reconcile.intervalMs), signal)) {
        await sleep(reconcile.settleMs + tookMs * comparisonPauseFactor, signal);
      }
      if (signal.aborted) return;
      const beganAtMs = performance.now();
      try {
        const init = { ...reconcile, range: this.#range, pairs: this.#pairs };
        const { lost, completeUpTo } = await comparePrefix(init, signal);
        if (signal.aborted) return;
        this.#counts.comparisons += 1;
        this.#counts.repairs += lost;
        this.#completeUpTo = completeUpTo ?? this.#completeUpTo;
        if (lost > 0) {
          this.#init.onRepair?.(lost);
          ending.abort();
        }
      } catch {
        // etcd is out of reach, which the watch finds out and tells.
        reconcile.client.renew();
      }
      tookMs = performance.now() - beganAtMs;
    }
  }

  #differences(listed: readonly KeyValue[]): PairEdit[] {
    const edits: PairEdit[] = [];
    for (const { key, value } of listed) {
      this.#pairs.see(key);
      const edit = this.#pairs.compare(key, value);
      if (edit !== undefined) edits.push(edit);
    }
    return edits;
  }

  #apply(events: readonly RangeEvent[], revision: bigint): void {
    // etcd refuses a transaction that writes a key twice, so one revision never names a key twice.
    const edits = events.map(({ key, value }) => this.#pairs.compare(key, value));
    this.#handOver(
      edits.filter((edit) => edit !== undefined),
      revision,
    );
  }

  #handOver(edits: readonly PairEdit[], revision: bigint): void {
    if (edits.length === 0) return;
    const changes = edits.map(({ change }) => change).filter((change) => change !== undefined);
    this.#init.onChanges(changes, revision);
    for (const edit of edits) this.#pairs.apply(edit);
  }
}

/** Wakes who waits for it, once for any number of times it happened. */
class Interruption {
  #isPending: boolean = false;
  #wake: () => void = () => {};

  happened(): void {
    this.#isPending = true;
    this.#wake();
  }

  /** Whether it happened before `ms` were over. */
  async within(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isPending) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await sleep(ms, AbortSignal.any([signal, woken.signal]));
    }
    const happened = this.#isPending;
    this.#isPending = false;
    return happened;
  }
}

/** Several control planes must not read everything at the same moment. */
function jittered(ms: number): number {
  return ms * (0.8 + 0.4 * Math.random());
}

function newest(witness: Witness | undefined, pairs: readonly KeyValue[]): Witness | undefined {
  let newestPair: KeyValue | undefined;
  for (const pair of pairs) {
    if (newestPair === undefined || isYounger(pair.modRevision, newestPair.modRevision)) {
      newestPair = pair;
    }
  }
  if (newestPair === undefined) return witness;
  const revision = BigInt(newestPair.modRevision);
  if (witness !== undefined && witness.revision >= revision) return witness;
  return { key: newestPair.key, revision, deleted: false };
}

/** Of two numbers in decimal. */
function isYounger(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
