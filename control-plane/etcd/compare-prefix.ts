/**
 * Compares what is known of a range with what etcd has, while it is followed: finds what the watch should have told and did
 * not (older etcds lose events in rare cases, and a store can be restored under a connection that stays). Reads in
 * pages with pauses between, so that it never takes more than a part of a processor, and holds nothing but differences.
 */
import { sleep } from "../../foundation/sleep.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { KeyRange } from "./key-range.ts";
import { idOf, type KnownPairs, keyOf } from "./known-pairs.ts";
import { listRange, slices } from "./list-range.ts";

export interface ComparePrefixInit {
  /** Not the watch's own: it must not wait behind large answers. */
  readonly client: EtcdClient;
  readonly range: KeyRange;
  readonly pairs: KnownPairs;
  /** A difference younger than this may still be on its way through the watch. */
  readonly settleMs: number;
}

export interface Comparison {
  /** Keys of which the watch has told nothing, or something else. */
  readonly lost: number;
  /** Up to this revision the known pairs are complete; absent when the range changed meanwhile. */
  readonly completeUpTo: bigint | undefined;
}

/** Differences that are looked at again one by one; one of them is enough to make a list necessary. */
const maximumSuspects = 64;
/** Pause after each page, in times of what the page took. */
const pauseFactor = 3;

interface Suspect {
  readonly key: Buffer;
  /** When etcd was seen to differ. */
  readonly revision: bigint;
  readonly wasThere: boolean;
}

/** Rejects when etcd cannot be read; aborted, it resolves to nothing lost. */
export async function comparePrefix(
  { client, range, pairs, settleMs }: ComparePrefixInit,
  signal: AbortSignal,
): Promise<Comparison> {
  pairs.beginPass();
  const edited = pairs.recordEdits();
  try {
    const suspects: Suspect[] = [];
    let from: bigint | undefined;
    let revision = 0n;
    let count = 0;
    const suspect = (key: Buffer, wasThere: boolean) => {
      count += 1;
      if (suspects.length < maximumSuspects) suspects.push({ key, revision, wasThere });
    };
    let beganAtMs = performance.now();
    for await (const page of listRange(client, range, { isPinned: false })) {
      if (signal.aborted) return nothingLost;
      ({ revision } = page);
      from ??= revision;
      for await (const slice of slices(page.pairs)) {
        if (signal.aborted) return nothingLost;
        for (const { key, value } of slice) {
          pairs.see(key);
          if (pairs.compare(key, value) !== undefined && !edited.has(idOf(key))) suspect(key, true);
        }
      }
      await sleep((performance.now() - beganAtMs) * pauseFactor, signal);
      beganAtMs = performance.now();
    }
    if (signal.aborted) return nothingLost;
    for await (const { id } of pairs.unseen()) suspect(keyOf(id), false);
    if (count === 0) {
      return { lost: 0, completeUpTo: edited.size === 0 ? from : undefined };
    }
    await sleep(settleMs, signal);
    for (const one of suspects) {
      const isLost = !signal.aborted && (await isStillLost(client, pairs, edited, one));
      if (isLost) return { lost: count, completeUpTo: undefined };
    }
    return nothingLost;
  } finally {
    pairs.forgetEdits();
  }
}

const nothingLost: Comparison = { lost: 0, completeUpTo: undefined };

async function isStillLost(
  client: EtcdClient,
  pairs: KnownPairs,
  edited: ReadonlySet<string>,
  { key, revision, wasThere }: Suspect,
): Promise<boolean> {
  const [pair] = (await client.range({ start: key, end: undefined })).pairs;
  if (edited.has(idOf(key)) || pairs.compare(key, pair?.value) === undefined) return false;
  // Younger than what was seen first: its event may be on the way.
  return pair === undefined ? !wasThere : BigInt(pair.modRevision) <= revision;
}
