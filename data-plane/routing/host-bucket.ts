import { PathTable } from "./path-table.ts";
import { Placement } from "./placement.ts";
import type { Route } from "./route.ts";
import { SortedPlacements } from "./sorted-placements.ts";

/** Absent: none. One stands for itself, a few are a list, many are a table by path. */
export type HostBucket<R extends Route> = Placement<R> | SortedPlacements<R> | PathTable<R>;

/** Up to here comparing one after another is faster than hashing the path. */
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
    const table = new PathTable<R>(placement.host);
    for (const each of bucket) table.add(each);
    table.add(placement);
    return table;
  }
  bucket.add(placement);
  return bucket;
}

/** Absent once empty. A table stays a table: a host at the limit would be rebuilt with every change. */
export function removeFromBucket<R extends Route>(
  bucket: HostBucket<R>,
  placement: Placement<R>,
): HostBucket<R> | undefined {
  if (bucket instanceof Placement) return bucket === placement ? undefined : bucket;
  bucket.remove(placement);
  return bucket.size === 0 ? undefined : bucket;
}
