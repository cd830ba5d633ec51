import type { ScannedText } from "./scanned-text.ts";
import { TextStore } from "./text-store.ts";

/**
 * Values by text, for lookups whose memory has gone cold: with 100,000 texts a lookup costs what it waits for memory. Most
 * find nothing; those end at a filter of one byte per slot, which stays in the cache. What a hit needs then (hash and
 * place, value) lies at addresses that do not depend on each other. A `Map` follows a chain of references, and needs a
 * string to ask for first.
 */
export class TextTable<T> {
  /** By home slot, a bit for each of eight classes of hashes: whether one such hash is at home there. */
  #filter = noFilter;
  /** Pairs of hash and place in `#texts`; -1: the slot is free. */
  #entries = noEntries;
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

  /** By the first `length` units, which have been read. */
  get(text: ScannedText, length: number): T | undefined {
    const slot = this.#slotOf(text, length);
    return slot === -1 ? undefined : this.#values[slot];
  }

  set(text: ScannedText, length: number, value: T): void {
    const slot = this.#slotOf(text, length);
    if (slot !== -1) {
      this.#values[slot] = value;
      return;
    }
    if ((this.#size + 1) * 2 > this.#values.length) this.#grow();
    this.#size += 1;
    this.#longest = Math.max(this.#longest, length);
    this.#occupy(text.hash(length), this.#texts.put(text, length), value);
  }

  delete(text: ScannedText, length: number): void {
    let hole = this.#slotOf(text, length);
    if (hole === -1) return;
    this.#size -= 1;
    this.#texts.remove(this.#placeAt(hole));
    // Those behind move up where that leaves them between home and where they were: no slot stays dead.
    for (let slot = this.#after(hole); this.#placeAt(slot) !== free; slot = this.#after(slot)) {
      const home = this.#hashAt(slot);
      if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue;
      this.#entries[hole * 2] = this.#hashAt(slot);
      this.#entries[hole * 2 + 1] = this.#placeAt(slot);
      this.#values[hole] = this.#values[slot];
      hole = slot;
    }
    this.#entries[hole * 2 + 1] = free;
    this.#values[hole] = undefined;
    this.#filterAgain(text.hash(length) & this.#mask);
  }

  #slotOf(text: ScannedText, length: number): number {
    const hash = text.hash(length);
    const home = hash & this.#mask;
    if (((this.#filter[home] ?? 0) & bitOf(hash)) === 0) return -1;
    const entries = this.#entries;
    for (let slot = home; ; slot = (slot + 1) & this.#mask) {
      const place = entries[slot * 2 + 1] ?? free;
      if (place === free) return -1;
      if (entries[slot * 2] === hash && this.#texts.isAt(place, text, length)) return slot;
    }
  }

  #after(slot: number): number {
    return (slot + 1) & this.#mask;
  }

  #hashAt(slot: number): number {
    return this.#entries[slot * 2] ?? 0;
  }

  #placeAt(slot: number): number {
    return this.#entries[slot * 2 + 1] ?? free;
  }

  #occupy(hash: number, place: number, value: T | undefined): void {
    const home = hash & this.#mask;
    let slot = home;
    while (this.#placeAt(slot) !== free) slot = this.#after(slot);
    this.#entries[slot * 2] = hash;
    this.#entries[slot * 2 + 1] = place;
    this.#values[slot] = value;
    this.#filter[home] = (this.#filter[home] ?? 0) | bitOf(hash);
  }

  /** All that are at home there lie between it and the next free slot. */
  #filterAgain(home: number): void {
    let bits = 0;
    for (let slot = home; this.#placeAt(slot) !== free; slot = this.#after(slot)) {
      const hash = this.#hashAt(slot);
      if ((hash & this.#mask) === home) bits |= bitOf(hash);
    }
    this.#filter[home] = bits;
  }

  #grow(): void {
    const [entries, values] = [this.#entries, this.#values];
    const slotCount = Math.max(minimalSlots, values.length * 2);
    this.#filter = new Uint8Array(slotCount);
    this.#entries = new Int32Array(slotCount * 2).fill(free);
    this.#values = new Array<T | undefined>(slotCount).fill(undefined);
    this.#mask = slotCount - 1;
    for (const [slot, value] of values.entries()) {
      const place = entries[slot * 2 + 1] ?? free;
      if (place !== free) this.#occupy(entries[slot * 2] ?? 0, place, value);
    }
  }
}

const minimalSlots = 8;
const free = -1;

/** Of tables that are empty, which those of many hosts are, and of most parents of routers. */
const noFilter = new Uint8Array(1);
const noEntries = new Int32Array(0);

/** By bits that take no part in the home. */
function bitOf(hash: number): number {
  return 1 << (hash >>> 29);
}
