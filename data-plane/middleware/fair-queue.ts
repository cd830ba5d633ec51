/** A queue in which owners take turns: who has put in many waits for them, and holds nobody else up. */
export class FairQueue<T> {
  /** Owners with something in it, whose turn comes first first. */
  readonly #items = new Map<string, T[]>();

  put(owner: string, item: T): void {
    const own = this.#items.get(owner);
    if (own === undefined) this.#items.set(owner, [item]);
    else own.push(item);
  }

  /** The first item of the owner whose turn it is. */
  take(): T | undefined {
    for (const [owner, own] of this.#items) {
      const item = own.shift();
      // To the end: the others are first.
      this.#items.delete(owner);
      if (own.length > 0) this.#items.set(owner, own);
      return item;
    }
    return undefined;
  }
}
