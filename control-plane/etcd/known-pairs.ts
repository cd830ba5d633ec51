/**
 * The pairs below a prefix as they were handed over, each known by its leaf of the source digest: enough to tell what
 * differs, for a fraction of what the values would take. Revisions would not do: after a restore they mean nothing.
 *
 * A pass marks what a list has shown; what it has not marked is gone from the source.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { BucketedDigest } from "../../config-model/snapshot/bucketed-digest.ts";
import { sourceBucket, sourceLeaf } from "../../config-model/snapshot/source-digest.ts";

export interface PairChange {
  readonly key: string;
  /** Absent: deleted. */
  readonly value: string | undefined;
}

/** A difference found, not taken in yet. */
export interface PairEdit {
  readonly id: string;
  /** Absent: deleted. */
  readonly leaf: string | undefined;
  readonly bucket: number;
  /** Absent for keys that are not UTF-8: they count in the digest, and nobody could name them. */
  readonly change: PairChange | undefined;
}

const sweepPairs = 20_000;
const bucketBits = 12;
const bucketMask = (1 << bucketBits) - 1;
/** Begins the ids of keys that are not UTF-8; no key below a prefix of letters begins with it. */
const notText = "\uffff";

export class KnownPairs {
  readonly #slots = new Map<string, number>();
  /** By slot. A free slot's leaf is "". */
  readonly #leaves: string[] = [];
  /** By slot: the bucket, and above it the pass that saw the pair last. */
  readonly #marks: number[] = [];
  readonly #free: number[] = [];
  readonly #digest = new BucketedDigest();
  #pass = 0;
  #edited: Set<string> | undefined;

  get size(): number {
    return this.#slots.size;
  }

  /** Of all pairs taken in. The same array until one changes. */
  digest(): Uint8Array {
    return this.#digest.root();
  }

  /** What makes the known pair `key` into `value` (absent: deleted); nothing when it is so already. */
  compare(key: Buffer, value: Buffer | undefined): PairEdit | undefined {
    const id = idOf(key);
    const slot = this.#slots.get(id);
    const leaf = value && sourceLeaf(key, value);
    if (leaf === (slot === undefined ? undefined : this.#leaves[slot])) return undefined;
    const bucket = slot === undefined ? sourceBucket(key) : this.#bucket(slot);
    const change = id.startsWith(notText) ? undefined : { key: id, value: value?.toString() };
    return { id, leaf, bucket, change };
  }

  apply({ id, leaf, bucket }: PairEdit): void {
    this.#edited?.add(id);
    let slot = this.#slots.get(id);
    if (slot !== undefined) this.#digest.remove(bucket, this.#leaves[slot] ?? "");
    if (leaf === undefined) {
      if (slot === undefined) return;
      this.#slots.delete(id);
      this.#leaves[slot] = "";
      this.#free.push(slot);
      return;
    }
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#leaves.length;
      this.#slots.set(id, slot);
    }
    this.#leaves[slot] = leaf;
    this.#marks[slot] = bucket | (this.#pass << bucketBits);
    this.#digest.add(bucket, leaf);
  }

  /** From now on every pair counts as not seen. Pairs that are applied during a pass are seen. */
  beginPass(): void {
    this.#pass = (this.#pass + 1) & 0xffff;
  }

  /** Ids of the pairs that are applied from now on; grows until `forgetEdits()`. */
  recordEdits(): ReadonlySet<string> {
    this.#edited = new Set();
    return this.#edited;
  }

  forgetEdits(): void {
    this.#edited = undefined;
  }

  see(key: Buffer): void {
    const slot = this.#slots.get(idOf(key));
    if (slot !== undefined) this.#marks[slot] = this.#bucket(slot) | (this.#pass << bucketBits);
  }

  /** What makes the pairs that this pass has not seen go away; found in several turns of the event loop. */
  async *unseen(): AsyncGenerator<PairEdit> {
    let looked = 0;
    for (const [id, slot] of this.#slots) {
      looked += 1;
      if (looked % sweepPairs === 0) await nextTurn();
      if ((this.#marks[slot] ?? 0) >>> bucketBits === this.#pass) continue;
      const change = id.startsWith(notText) ? undefined : { key: id, value: undefined };
      yield { id, leaf: undefined, bucket: this.#bucket(slot), change };
    }
  }

  #bucket(slot: number): number {
    return (this.#marks[slot] ?? 0) & bucketMask;
  }
}

/** The key's text; other bytes as one character each behind a mark. */
export function idOf(key: Buffer): string {
  const text = key.toString();
  return text.includes("\ufffd") && !Buffer.from(text).equals(key)
    ? notText + key.toString("latin1")
    : text;
}

export function keyOf(id: string): Buffer {
  return id.startsWith(notText) ? Buffer.from(id.slice(1), "latin1") : Buffer.from(id);
}
