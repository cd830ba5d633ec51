/**
 * Values by 32-bit hash, in one flat array: a lookup that finds nothing, which is what most are, touches one cache line.
 * A `Map` follows a chain of entries for it. What collides is the caller's to tell apart.
 */
export class HashTable<T> {
  /** Pairs of hash and reference: 0 is free, `deleted` was in use, else index into `#values` plus 1. */
  #slots = new Int32Array(minimalSlots * 2);
  #mask = minimalSlots - 1;
  /** Slots that are not free, deleted ones included. */
  #taken = 0;
  #size = 0;
  readonly #values: (T | undefined)[] = [];
  readonly #vacant: number[] = [];

  get size(): number {
    return this.#size;
  }

  get(hash: number): T | undefined {
    const slots = this.#slots;
    for (let slot = spread(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const reference = slots[slot * 2 + 1] ?? 0;
      if (reference === 0) return undefined;
      if (slots[slot * 2] === hash && reference !== deleted) return this.#values[reference - 1];
    }
  }

  set(hash: number, value: T): void {
    const reference = this.#referenceOf(hash);
    if (reference !== undefined) {
      this.#values[reference - 1] = value;
      return;
    }
    if ((this.#taken + 1) * 2 > this.#mask + 1) this.#rebuild();
    const index = this.#vacant.pop() ?? this.#values.length;
    this.#values[index] = value;
    this.#size += 1;
    this.#taken += 1;
    this.#occupy(hash, index + 1);
  }

  delete(hash: number): void {
    const slot = this.#slotOf(hash);
    if (slot === undefined) return;
    const reference = this.#slots[slot * 2 + 1] ?? 0;
    this.#slots[slot * 2 + 1] = deleted;
    this.#values[reference - 1] = undefined;
    this.#vacant.push(reference - 1);
    this.#size -= 1;
  }

  #referenceOf(hash: number): number | undefined {
    const slot = this.#slotOf(hash);
    return slot === undefined ? undefined : this.#slots[slot * 2 + 1];
  }

  #slotOf(hash: number): number | undefined {
    for (let slot = spread(hash) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const reference = this.#slots[slot * 2 + 1] ?? 0;
      if (reference === 0) return undefined;
      if (this.#slots[slot * 2] === hash && reference !== deleted) return slot;
    }
  }

  #occupy(hash: number, reference: number): void {
    let slot = spread(hash) & this.#mask;
    while ((this.#slots[slot * 2 + 1] ?? 0) !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * 2] = hash;
    this.#slots[slot * 2 + 1] = reference;
  }

  /** Doubled when it is full of values, as it was when it is full of deleted ones. */
  #rebuild(): void {
    const before = this.#slots;
    const slotCount = this.#size * 4 > this.#mask ? (this.#mask + 1) * 2 : this.#mask + 1;
    this.#slots = new Int32Array(slotCount * 2);
    this.#mask = slotCount - 1;
    this.#taken = this.#size;
    for (let i = 0; i < before.length; i += 2) {
      const reference = before[i + 1] ?? 0;
      if (reference > 0) this.#occupy(before[i] ?? 0, reference);
    }
  }
}

const minimalSlots = 32;
const deleted = -1;

/** Neighbouring hashes must not make one long run. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}
