/**
 * List, then watch: keeps the pairs below a prefix and hands over what changes, so that a reader's state always is the state
 * etcd had at some revision, reached in order.
 *
 * - The first list arrives in pages, then `onListed`; a list that has to begin again (etcd lost half-way) hands over
 *   only what differs from the pages before.
 * - Then every revision's changes arrive together: a transaction is one call of `onChanges`.
 * - When history is lost (compaction while disconnected, a restored or replaced store) the prefix is listed anew at one
 *   revision, and the differences arrive as one call. A pair written with the value it had is no difference.
 *
 * Values are kept as text, because a difference can only be told by them: after a restore revisions mean nothing.
 */
import { backoffDelayMs } from "../../foundation/backoff.ts";
import { sleep } from "../../foundation/sleep.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { etcdBackoff, followRange } from "./follow-range.ts";
import { type KeyRange, prefixRange } from "./key-range.ts";
import { listRange } from "./list-range.ts";
import type { RangeEvent } from "./watch-events.ts";

export interface PairChange {
  readonly key: string;
  /** Absent: deleted. */
  readonly value: string | undefined;
}

export interface WatchPrefixInit {
  /** Used by nobody else; the caller closes it. */
  readonly client: EtcdClient;
  readonly prefix: string;
  /** Never empty; no key twice. */
  onChanges(changes: readonly PairChange[], revision: bigint): void;
  /** The first list is through. Once. */
  onListed(revision: bigint): void;
  /** Called for every failed attempt; the caller tells a change of reason. */
  onUnavailable(error: Error): void;
  onAvailable(): void;
}

interface Listed {
  readonly clusterId: string;
  readonly revision: bigint;
}

/** Runs until `signal` aborts; never rejects. */
export async function watchPrefix(init: WatchPrefixInit, signal: AbortSignal): Promise<void> {
  const range = prefixRange(init.prefix);
  const pairs = new WatchedPairs(init);
  for (let failures = 0; !signal.aborted; ) {
    try {
      const { clusterId, revision } = await pairs.list(range, signal);
      if (signal.aborted) return;
      failures = 0;
      await followRange(
        {
          client: init.client,
          range,
          clusterId,
          fromRevision: revision + 1n,
          onRevision: (events, at) => pairs.apply(events, at),
          onUnavailable: (error) => init.onUnavailable(error),
          onAvailable: () => init.onAvailable(),
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      init.onUnavailable(error instanceof Error ? error : new Error(String(error)));
      init.client.renew();
      await sleep(backoffDelayMs(failures++, etcdBackoff), signal);
    }
  }
}

class WatchedPairs {
  readonly #init: WatchPrefixInit;
  #pairs = new Map<string, string>();
  #complete: boolean = false;

  constructor(init: WatchPrefixInit) {
    this.#init = init;
  }

  async list(range: KeyRange, signal: AbortSignal): Promise<Listed> {
    const found = new Map<string, string>();
    const differences: PairChange[] = [];
    let listed: Listed | undefined;
    for await (const page of listRange(this.#init.client, range)) {
      if (signal.aborted) return page;
      this.#init.onAvailable();
      listed = page;
      const changes: PairChange[] = [];
      for (const pair of page.pairs) {
        const key = pair.key.toString();
        const value = pair.value.toString();
        const known = this.#pairs.get(key);
        found.set(key, known === value ? known : value);
        if (known !== value) changes.push({ key, value });
      }
      if (this.#complete) {
        for (const change of changes) differences.push(change);
      } else {
        this.#handOver(changes, page.revision);
      }
    }
    if (listed === undefined) throw new Error(`Cannot list ${this.#init.prefix}: no page came`);
    for (const key of this.#pairs.keys()) {
      if (!found.has(key)) differences.push({ key, value: undefined });
    }
    if (differences.length > 0) this.#init.onChanges(differences, listed.revision);
    this.#pairs = found;
    if (!this.#complete) {
      this.#complete = true;
      this.#init.onListed(listed.revision);
    }
    return listed;
  }

  apply(events: readonly RangeEvent[], revision: bigint): void {
    // etcd refuses a transaction that writes a key twice, so one revision never names a key twice.
    const changes = events.map(({ key, value }) => ({
      key: key.toString(),
      value: value?.toString(),
    }));
    this.#handOver(
      changes.filter(({ key, value }) => this.#pairs.get(key) !== value),
      revision,
    );
  }

  #handOver(changes: readonly PairChange[], revision: bigint): void {
    if (changes.length === 0) return;
    this.#init.onChanges(changes, revision);
    for (const { key, value } of changes) {
      if (value === undefined) this.#pairs.delete(key);
      else this.#pairs.set(key, value);
    }
  }
}
