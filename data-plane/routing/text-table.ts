import type { ScannedText } from "./scanned-text.ts";
import { TextStore } from "./text-store.ts";

/**
 * Values by text, for lookups whose memory has gone cold: with 100,000 texts a lookup costs what it waits for memory. One
 * byte per slot says whether the rest is worth looking at; those bytes stay in the cache, so that a lookup that finds
 * nothing, which is what most are, waits for nothing. What a hit needs then (hash and place, text, value) lies at
 * addresses that do not depend on each other. A `Map` follows a chain of references, and first needs a string to ask for.
 */
export class TextTable<T> {
  /** 0: the slot is free. */
  #tags = noTags;
  /** Pairs of hash and place in `#texts`. */
  #entries = new Int32Array(0);
  /** By slot as well, and not packed: it can be fetched while the text is still being compared. */
  #values: (T | undefined)[] = [];
  #mask = 0;
  #size = 0;
  #longest = 0;
  readonly #texts = new TextStore();

  get size(): number {
    return this.#size;
  }

  /** No text that was ever in it is longer: beyond that nothing needs to be read. */
  get longest(): number {
    return this.#longest;
  }

  /** Of what has been read of `text`. */
  get(text: ScannedText): T | undefined {
    const slot = this.#slotOf(text);
    return slot === -1 ? undefined : this.#values[slot];
  }

  set(text: ScannedText, value: T): void {
    const slot = this.#slotOf(text);
    if (slot !== -1) {
      this.#values[slot] = value;
      return;
    }
    if ((this.#size + 1) * 2 > this.#tags.length) this.#grow();
    this.#size += 1;
    this.#longest = Math.max(this.#longest, text.length);
    this.#occupy(text.hash, this.#texts.put(text), value);
  }

  delete(text: ScannedText): void {
    let hole = this.#slotOf(text);
    if (hole === -1) return;
    this.#size -= 1;
    this.#texts.remove(this.#entries[hole * 2 + 1] ?? 0);
    // Those behind move up where that brings them no further from home than they may be found: no slot stays dead.
    for (let slot = this.#after(hole); this.#tags[slot] !== 0; slot = this.#after(slot)) {
      const home = spread(this.#entries[slot * 2] ?? 0);
      if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue;
      this.#tags[hole] = this.#tags[slot] ?? 0;
      this.#entries[hole * 2] = this.#entries[slot * 2] ?? 0;
      this.#entries[hole * 2 + 1] = this.#entries[slot * 2 + 1] ?? 0;
      this.#values[hole] = this.#values[slot];
      hole = slot;
    }
    this.#tags[hole] = 0;
    this.#values[hole] = undefined;
  }

  #slotOf(text: ScannedText): number {
    const { hash } = text;
    const tag = tagOf(hash);
    const tags = this.#tags;
    const mask = this.#mask;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const found = tags[slot];
      if (found === 0) return -1;
      if (found !== tag || this.#entries[slot * 2] !== hash) continue;
      if (this.#texts.isAt(this.#entries[slot * 2 + 1] ?? 0, text)) return slot;
    }
  }

  #after(slot: number): number {
    return (slot + 1) & this.#mask;
  }

  #occupy(hash: number, place: number, value: T | undefined): void {
    let slot = spread(hash) & this.#mask;
    while (this.#tags[slot] !== 0) slot = this.#after(slot);
    this.#tags[slot] = tagOf(hash);
    this.#entries[slot * 2] = hash;
    this.#entries[slot * 2 + 1] = place;
    this.#values[slot] = value;
  }

  #grow(): void {
    const [tags, entries, values] = [this.#tags, this.#entries, this.#values];
    const slotCount = Math.max(minimalSlots, tags.length * 2);
    this.#tags = new Uint8Array(slotCount);
    this.#entries = new Int32Array(slotCount * 2);
    this.#values = new Array<T | undefined>(slotCount).fill(undefined);
    this.#mask = slotCount - 1;
    for (const [slot, tag] of tags.entries()) {
      if (tag === 0) continue;
      this.#occupy(entries[slot * 2] ?? 0, entries[slot * 2 + 1] ?? 0, values[slot]);
    }
  }
}

const minimalSlots = 8;

/** Of tables that are empty, which those of many hosts are: a lookup ends at the one free slot. */
const noTags = new Uint8Array(1);

/** Neighbouring hashes must not make one long run. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

function tagOf(hash: number): number {
  return (hash >>> 24) | 1;
}
