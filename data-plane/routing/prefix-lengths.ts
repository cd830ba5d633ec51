/**
 * The different lengths that prefixes have, and how far down it is worth looking: whoever goes from the longest to the
 * shortest and has a winner may stop where nothing that is left can have its priority.
 */
export class PrefixLengths {
  /** Ascending. */
  readonly #kinds: LengthKind[] = [];
  #lengths: readonly number[] = [];
  #bounds: readonly (number | bigint)[] = [];

  /** Each once, ascending. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** By index in `lengths`: no prefix of that length or a shorter one has a higher priority. It may be too high. */
  get bounds(): readonly (number | bigint)[] {
    return this.#bounds;
  }

  add(length: number, priority: number | bigint): void {
    const index = this.#kinds.findIndex((kind) => kind.length >= length);
    const found = this.#kinds[index];
    if (found?.length === length) {
      found.count += 1;
      if (priority <= found.highest) return;
      found.highest = priority;
    } else {
      this.#kinds.splice(index === -1 ? this.#kinds.length : index, 0, {
        length,
        count: 1,
        highest: priority,
      });
    }
    this.#derive();
  }

  /** The highest priority of a length is forgotten with its last prefix: keeping all of them in order is not worth it. */
  remove(length: number): void {
    const index = this.#kinds.findIndex((kind) => kind.length === length);
    const kind = this.#kinds[index];
    if (kind === undefined) return;
    kind.count -= 1;
    if (kind.count > 0) return;
    this.#kinds.splice(index, 1);
    this.#derive();
  }

  #derive(): void {
    this.#lengths = this.#kinds.map(({ length }) => length);
    let bound: number | bigint = Number.NEGATIVE_INFINITY;
    this.#bounds = this.#kinds.map(({ highest }) => {
      if (highest > bound) bound = highest;
      return bound;
    });
  }
}

interface LengthKind {
  readonly length: number;
  count: number;
  highest: number | bigint;
}
