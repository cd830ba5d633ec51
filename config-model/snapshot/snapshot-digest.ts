/** Root hash over a set of resources, kept up to date change by change (docs/protocol.md specifies the bytes). */
import { hash } from "node:crypto";
import { BucketedDigest, bucketOfHash } from "./bucketed-digest.ts";
import type { Resource, ResourceKey } from "./resource.ts";

export class SnapshotDigest {
  readonly #digest = new BucketedDigest();

  add(resource: Resource): void {
    this.#digest.add(bucketOf(resource), leafOf(resource));
  }

  /** `resource` is what was added, with the hash it was added with. */
  remove(resource: Resource): void {
    this.#digest.remove(bucketOf(resource), leafOf(resource));
  }

  /** The same array until the set changes; not to be written to. */
  root(): Uint8Array {
    return this.#digest.root();
  }
}

/** Reused for every key and leaf: nothing here outlives one call. */
let scratch = Buffer.alloc(1024);
/** Its beginnings by length: making a view anew would cost as much as hashing it. */
let views: (Buffer | undefined)[] = [];

function bucketOf({ kind, name }: ResourceKey): number {
  reserve(2 + name.length * 3);
  scratch.writeUInt16BE(kind, 0);
  return bucketOfHash(hashScratch(2 + scratch.write(name, 2, "utf8")));
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
