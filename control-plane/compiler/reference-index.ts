const nobody: readonly string[] = [];

/**
 * Who refers to what: from an id to the ids of the objects that name it, whether the target exists or not. It answers
 * what a change touches. Most targets have one referrer, which is kept without a set around it.
 */
export class ReferenceIndex {
  readonly #referrers = new Map<string, string | Set<string>>();

  add(target: string, referrer: string): void {
    const known = this.#referrers.get(target);
    if (known === undefined) this.#referrers.set(target, referrer);
    else if (typeof known !== "string") known.add(referrer);
    else if (known !== referrer) this.#referrers.set(target, new Set([known, referrer]));
  }

  delete(target: string, referrer: string): void {
    const known = this.#referrers.get(target);
    if (known === referrer) this.#referrers.delete(target);
    else if (known instanceof Set && known.delete(referrer) && known.size === 0) {
      this.#referrers.delete(target);
    }
  }

  has(target: string): boolean {
    return this.#referrers.has(target);
  }

  referrersOf(target: string): Iterable<string> {
    const known = this.#referrers.get(target);
    if (known === undefined) return nobody;
    return typeof known === "string" ? [known] : known;
  }
}
