import { setImmediate as nextTurn } from "node:timers/promises";
import type { EtcdClient, KeyValue } from "./etcd-client.ts";
import type { KeyRange } from "./key-range.ts";

/**
 * What one page should weigh: large enough that etcd 3.4, which walks the rest of the range for every page, does not make a
 * large list quadratic; small enough that decoding it does not hold the event loop.
 */
const pageBytes = 2 * 1024 * 1024;
const maximumBytes = 4 * 1024 * 1024;
const usualLimit = 5_000;
/** Decoding more at once would hold the event loop for 50 ms. */
const maximumLimit = 7_000;

export interface ListPage {
  readonly clusterId: string;
  /** What the page shows; of a pinned list all pages show one. */
  readonly revision: bigint;
  readonly pairs: readonly KeyValue[];
}

export interface ListOptions {
  /** Without it the newest when the list begins. */
  readonly revision?: bigint;
  /** False: every page shows its own revision, the newest. */
  readonly isPinned?: boolean;
  /** Of the first page; the following ones go by the weight of what came. Small where values may be large. */
  readonly firstLimit?: number;
}

/**
 * All pairs of a range as they were at one revision, page by page; at least one page, maybe empty. Throws the classes of
 * etcd-error.ts; `EtcdCompactedError` when the list took longer than etcd keeps history.
 */
export async function* listRange(
  client: EtcdClient,
  range: KeyRange,
  { revision: pinned, isPinned = true, firstLimit = 500 }: ListOptions = {},
): AsyncGenerator<ListPage> {
  let { start } = range;
  let limit = firstLimit;
  let revision = pinned;
  for (;;) {
    const page = await client.range(
      { start, end: range.end },
      { limit, ...(revision !== undefined && { revision }) },
    );
    if (isPinned) revision ??= page.revision;
    yield { clusterId: page.clusterId, revision: revision ?? page.revision, pairs: page.pairs };
    const last = page.pairs.at(-1);
    if (!page.more || last === undefined) return;
    start = Buffer.concat([last.key, Buffer.of(0)]);
    limit = nextLimit(page.pairs);
  }
}

/** A page in parts, each in a turn of the event loop of its own: others wait no longer than a part takes. */
export async function* slices(pairs: readonly KeyValue[]): AsyncGenerator<readonly KeyValue[]> {
  for (let begin = 0; begin < pairs.length; begin += slicePairs) {
    yield pairs.slice(begin, begin + slicePairs);
    await nextTurn();
  }
}

const slicePairs = 1_000;

function nextLimit(pairs: readonly KeyValue[]): number {
  const bytes = pairs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const each = Math.max(1, bytes / pairs.length);
  const wanted = Math.max(pageBytes / each, Math.min(usualLimit, maximumBytes / each));
  return Math.max(1, Math.min(maximumLimit, Math.floor(wanted)));
}
