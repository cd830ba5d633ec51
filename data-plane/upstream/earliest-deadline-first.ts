/**
 * Weighted round robin as Traefik does it: every choice takes the item with the earliest deadline and moves its deadline
 * by 1/weight. The binary heap works exactly like Go's `container/heap`: items of equal deadlines come in its order.
 */
export interface WeightedItem<T> {
  readonly item: T;
  readonly weight: number;
}

interface Entry<T> extends WeightedItem<T> {
  deadline: number;
}

export class EarliestDeadlineFirst<T> {
  readonly #heap: Entry<T>[] = [];
  #now = 0;

  /** Items of a weight of 0 or less are never chosen. */
  constructor(items: readonly WeightedItem<T>[]) {
    for (const { item, weight } of items) this.#enter(item, weight, 1 / weight);
  }

  next(): T | undefined {
    const chosen = this.#heap[0];
    if (chosen === undefined) return undefined;
    this.#now = chosen.deadline;
    if (this.#heap.length > 1) this.#pop();
    else this.#heap.length = 0;
    chosen.deadline += 1 / chosen.weight;
    this.#push(chosen);
    return chosen.item;
  }

  /**
   * Goes on where `previous` stands: an item it knows with the same weight keeps its turn, a new one gets the turn it
   * would have had if it had just been added.
   */
  continueFrom(previous: EarliestDeadlineFirst<T>): void {
    const known = new Map(previous.#heap.map((entry) => [entry.item, entry]));
    const entries = this.#heap.splice(0);
    this.#now = previous.#now;
    for (const { item, weight } of entries) {
      const old = known.get(item);
      const kept = old !== undefined && old.weight === weight;
      this.#enter(item, weight, kept ? old.deadline : this.#now + 1 / weight);
    }
  }

  #enter(item: T, weight: number, deadline: number): void {
    if (weight > 0) this.#push({ item, weight, deadline });
  }

  #push(entry: Entry<T>): void {
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
  }

  /** The first goes; the last takes its place and sinks. */
  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined) return;
    this.#heap[0] = last;
    this.#down();
  }

  #up(start: number): void {
    let child = start;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(): void {
    let parent = 0;
    for (;;) {
      const left = parent * 2 + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const child = right < this.#heap.length && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    return (this.#heap[a]?.deadline ?? 0) < (this.#heap[b]?.deadline ?? 0);
  }

  #swap(a: number, b: number): void {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}
