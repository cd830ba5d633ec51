/**
 * Digest of what a provider's source says: a set of keys with their values, as anyone can compute it from a plain dump
 * (docs/protocol.md, "Source digest").
 */
import { hash } from "node:crypto";
import { bucketOfHash } from "./bucketed-digest.ts";

/** What a source said when it was read last. */
export interface SourceState {
  readonly digest: Uint8Array;
  /** Of an etcd: the revision up to which it was read. */
  readonly revision?: bigint;
}

/** Key → value, as one leaf of the digest: 32 one-byte characters. */
export function sourceLeaf(key: Uint8Array, value: Uint8Array): string {
  const bytes = key.length + 1 + hashBytes;
  if (scratch.length < bytes) scratch = Buffer.alloc(bytes * 2);
  scratch.set(key);
  scratch[key.length] = 0;
  scratch.write(hash("sha256", value, "binary"), key.length + 1, "latin1");
  return hash("sha256", scratch.subarray(0, bytes), "binary");
}

export function sourceBucket(key: Uint8Array): number {
  return bucketOfHash(hash("sha256", key, "binary"));
}

const hashBytes = 32;
/** Reused for every leaf: nothing in it outlives one call. */
let scratch = Buffer.alloc(1024);
