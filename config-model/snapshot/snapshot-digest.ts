/**
 * Root hash over a set of resources, kept up to date change by change (docs/protocol.md specifies the bytes). The set is
 * cut into 4,096 buckets by the resources' names, and only buckets that changed are hashed again: one change among
 * 100,000 resources costs a few small hashes and one over the 128 KiB of bucket hashes.
 *
 * Leaves are kept as strings of 32 one-byte characters: `hash()` makes these in a quarter of the time a Buffer takes,
 * they order like their bytes, and an object for each would take three times the memory.
 */
import { hash } from "node:crypto";
import type { Resource, ResourceKey } from "./resource.ts";

const bucketCount = 4096;
const hashBytes = 32;

export class SnapshotDigest {
  /** Sorted leaves of each bucket that ever had one. */
  readonly #buckets: (string[] | undefined)[] = new Array(bucketCount).fill(undefined);
  readonly #bucketHashes = Buffer.alloc(
    bucketCount * hashBytes,
    hash("sha256", "", "binary"),
    "latin1",
  );
  readonly #dirty = new Set<number>();
  #root: Buffer | undefined;

  add(resource: Resource): void {
    const bucket = bucketOf(resource);
    const leaves = this.#leavesOf(bucket);
    const leaf = leafOf(resource);
    leaves.splice(lowerBound(leaves, leaf), 0, leaf);
    this.#touch(bucket);
  }

  /** `resource` is what was added, with the hash it was added with. */
  remove(resource: Resource): void {
    const bucket = bucketOf(resource);
    const leaves = this.#leavesOf(bucket);
    const leaf = leafOf(resource);
    const at = lowerBound(leaves, leaf);
    if (leaves[at] === leaf) leaves.splice(at, 1);
    this.#touch(bucket);
  }

  /** The same array until the set changes; not to be written to. */
  root(): Uint8Array {
    if (this.#root !== undefined) return this.#root;
    for (const bucket of this.#dirty) {
      const leaves = Buffer.from(this.#leavesOf(bucket).join(""), "latin1");
      this.#bucketHashes.write(hash("sha256", leaves, "binary"), bucket * hashBytes, "latin1");
    }
    this.#dirty.clear();
    this.#root = hash("sha256", this.#bucketHashes, "buffer");
    return this.#root;
  }

  #leavesOf(bucket: number): string[] {
    const leaves = this.#buckets[bucket] ?? [];
    this.#buckets[bucket] = leaves;
    return leaves;
  }

  #touch(bucket: number): void {
    this.#dirty.add(bucket);
    this.#root = undefined;
  }
}

/** Index of the first leaf that is not smaller. */
function lowerBound(leaves: readonly string[], leaf: string): number {
  let low = 0;
  let high = leaves.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((leaves[middle] ?? "") < leaf) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Reused for every key and leaf: nothing here outlives one call. */
let scratch = Buffer.alloc(1024);
/** Its beginnings by length: making a view anew would cost as much as hashing it. */
let views: (Buffer | undefined)[] = [];

function bucketOf({ kind, name }: ResourceKey): number {
  reserve(2 + name.length * 3);
  scratch.writeUInt16BE(kind, 0);
  const digest = hashScratch(2 + scratch.write(name, 2, "utf8"));
  return (digest.charCodeAt(0) << 4) | (digest.charCodeAt(1) >>> 4);
}

function leafOf(resource: Resource): string {
  reserve(6 + resource.name.length * 3 + resource.hash.length);
  scratch.writeUInt16BE(resource.kind, 0);
  const nameBytes = scratch.write(resource.name, 6, "utf8");
  scratch.writeUInt32BE(nameBytes, 2);
  scratch.set(resource.hash, 6 + nameBytes);
  return hashScratch(6 + nameBytes + resource.hash.length);
}

function reserve(bytes: number): void {
  if (scratch.length >= bytes) return;
  scratch = Buffer.alloc(bytes * 2);
  views = [];
}

function hashScratch(length: number): string {
  const view = views[length] ?? scratch.subarray(0, length);
  views[length] = view;
  return hash("sha256", view, "binary");
}
