import { PathTrie } from "./path-trie.ts";
import { Placement } from "./placement.ts";
import type { Route } from "./route.ts";
import { SortedPlacements } from "./sorted-placements.ts";

/** Absent: none. One stands for itself, a few are a list, many are a tree by path. */
export type HostBucket<R extends Route> = Placement<R> | SortedPlacements<R> | PathTrie<R>;

/** Up to here comparing one after another is faster than walking the tree. */
const listLimit = 8;

/** Returns the bucket to use from now on. */
export function addToBucket<R extends Route>(
  bucket: HostBucket<R> | undefined,
  placement: Placement<R>,
): HostBucket<R> {
  if (bucket === undefined) return placement;
  if (bucket instanceof Placement) {
    const list = new SortedPlacements<R>();
    list.add(bucket);
    list.add(placement);
    return list;
  }
  if (bucket instanceof SortedPlacements && bucket.size >= listLimit) {
    const trie = new PathTrie<R>();
    for (const each of bucket) trie.add(each);
    trie.add(placement);
    return trie;
  }
  bucket.add(placement);
  return bucket;
}

/** Absent once empty. A tree stays a tree: a host at the limit would be rebuilt with every change. */
export function removeFromBucket<R extends Route>(
  bucket: HostBucket<R>,
  placement: Placement<R>,
): HostBucket<R> | undefined {
  if (bucket instanceof Placement) return bucket === placement ? undefined : bucket;
  bucket.remove(placement);
  return bucket.size === 0 ? undefined : bucket;
}
