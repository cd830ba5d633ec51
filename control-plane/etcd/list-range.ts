import type { EtcdClient, KeyValue } from "./etcd-client.ts";
import type { KeyRange } from "./key-range.ts";

/**
 * What one page should weigh: large enough that etcd 3.4, which walks the rest of the range for every page, does not make a
 * large list quadratic; small enough that decoding it does not hold the event loop.
 */
const pageBytes = 2 * 1024 * 1024;
const maximumBytes = 16 * 1024 * 1024;
const firstLimit = 500;
const usualLimit = 5_000;
const maximumLimit = 10_000;

export interface ListPage {
  readonly clusterId: string;
  /** The one revision that all pages of a list show. */
  readonly revision: bigint;
  readonly pairs: readonly KeyValue[];
}

/**
 * All pairs of a range as they were at one revision (without `at` the newest when the list begins), page by page; at least one
 * page, maybe empty. Throws the classes of etcd-error.ts; `EtcdCompactedError` when the list took longer than etcd keeps history.
 */
export async function* listRange(
  client: EtcdClient,
  range: KeyRange,
  at?: bigint,
): AsyncGenerator<ListPage> {
  let { start } = range;
  let limit = firstLimit;
  let revision = at;
  for (;;) {
    const page = await client.range(
      { start, end: range.end },
      { limit, ...(revision !== undefined && { revision }) },
    );
    revision ??= page.revision;
    yield { clusterId: page.clusterId, revision, pairs: page.pairs };
    const last = page.pairs.at(-1);
    if (!page.more || last === undefined) return;
    start = Buffer.concat([last.key, Buffer.of(0)]);
    limit = nextLimit(page.pairs);
  }
}

function nextLimit(pairs: readonly KeyValue[]): number {
  const bytes = pairs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  const each = Math.max(1, bytes / pairs.length);
  const wanted = Math.max(pageBytes / each, Math.min(usualLimit, maximumBytes / each));
  return Math.max(1, Math.min(maximumLimit, Math.floor(wanted)));
}
