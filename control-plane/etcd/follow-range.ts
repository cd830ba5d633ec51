/**
 * Follows a range from a known revision through failing streams, restarts and silent peers: each stream continues after the
 * last revision that was handed over. Ends only when that cannot be done (the history is compacted away, or it is another
 * store now), and then the caller lists.
 */
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import { sleep } from "../../foundation/sleep.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { EtcdCompactedError } from "./etcd-error.ts";
import type { KeyRange } from "./key-range.ts";
import { type RangeEvent, watchEvents } from "./watch-events.ts";
import { allWatchGuards, type WatchGuards } from "./watch-guards.ts";

/** Waits less than 2 s, so that an etcd that is back is followed within 2 s. */
export const etcdBackoff: BackoffPolicy = { baseMs: 100, maxMs: 1_500 };

/** Something known of the store's history, which another store would not have. */
export interface Witness {
  readonly key: Buffer;
  /** Of the event that wrote or deleted the key. */
  readonly revision: bigint;
  readonly deleted: boolean;
}

export interface FollowRangeInit {
  /** Used by nobody else: a watch gets connections of its own, and failures renew them. */
  readonly client: EtcdClient;
  readonly range: KeyRange;
  readonly fromRevision: bigint;
  readonly clusterId: string;
  readonly witness?: Witness | undefined;
  onRevision(events: readonly RangeEvent[], revision: bigint): void;
  onUnavailable(error: Error): void;
  onAvailable(): void;
  /** A stream is opened, the first one too. */
  onOpening?(): void;
  /** Up to here nothing is missing, whatever the stream has told: a later stream may begin behind it. */
  knownUpTo?(): bigint;
  readonly guards?: WatchGuards;
}

export type FollowEnd = "compacted" | "restored" | "aborted";

/** Never rejects. */
export async function followRange(init: FollowRangeInit, signal: AbortSignal): Promise<FollowEnd> {
  const { client, range, clusterId, guards = allWatchGuards } = init;
  let { fromRevision: next, witness } = init;
  let failures = 0;
  while (!signal.aborted) {
    init.onOpening?.();
    const end = await watchEvents(
      {
        client,
        range,
        clusterId,
        fromRevision: next,
        guards,
        onAlive: () => init.onAvailable(),
        onRevision: (events, revision) => {
          if (events.length > 0) init.onRevision(events, revision);
          next = revision + 1n;
          witness = witnessOf(events, revision) ?? witness;
          failures = 0; // an event received, not a stream opened, proves the path works
        },
      },
      signal,
    );
    if (end.kind === "aborted") break;
    if (end.kind === "relist") {
      if (end.why === "restored" || guards.listsWhenCompacted) return end.why;
      next = end.compactedTo + 1n;
      continue;
    }
    init.onUnavailable(end.error);
    client.renew();
    await sleep(backoffDelayMs(failures++, etcdBackoff), signal);
    const floor = (init.knownUpTo?.() ?? 0n) + 1n;
    if (floor > next) next = floor;
    const changed = await storeChange({ ...init, fromRevision: next, witness }, signal);
    if (changed === "restored" && guards.comparesStores) return changed;
    if (changed === "compacted" && guards.listsWhenCompacted) return changed;
  }
  return "aborted";
}

function witnessOf(events: readonly RangeEvent[], revision: bigint): Witness | undefined {
  const last = events.findLast(({ value }) => value !== undefined) ?? events.at(-1);
  return last && { key: last.key, revision, deleted: last.value === undefined };
}

/**
 * Asks with unary calls, until one is answered, before a stream is opened again: such calls have a deadline, they renew a
 * token that a restarted etcd no longer knows, and their answers show a store that was restored from a backup or emptied,
 * also one whose revision has grown past ours since.
 */
async function storeChange(
  init: FollowRangeInit,
  signal: AbortSignal,
): Promise<"restored" | "compacted" | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await compareStore(init);
    } catch (error) {
      if (error instanceof EtcdCompactedError) return "compacted";
      if (signal.aborted) break;
      init.onUnavailable(error instanceof Error ? error : new Error(String(error)));
      init.client.renew();
      await sleep(backoffDelayMs(failures, etcdBackoff), signal);
    }
  }
  return undefined;
}

async function compareStore({ client, range, clusterId, fromRevision, witness }: FollowRangeInit) {
  const now = await client.range(oneKeyOf(witness ?? { key: range.start }));
  if (now.clusterId !== clusterId || now.revision < fromRevision - 1n) return "restored";
  if (witness === undefined || isSeenBy(witness, now.pairs)) return undefined;
  // Written again since, by somebody else or in another history: what was there before tells which.
  const then = await client.range(oneKeyOf(witness), { revision: witness.revision });
  if (witness.deleted ? then.pairs.length === 0 : isSeenBy(witness, then.pairs)) return undefined;
  return "restored";
}

function oneKeyOf({ key }: Pick<Witness, "key">): KeyRange {
  return { start: key, end: undefined };
}

function isSeenBy(
  { revision, deleted }: Witness,
  pairs: readonly { readonly modRevision: string }[],
): boolean {
  return !deleted && pairs[0]?.modRevision === revision.toString();
}
