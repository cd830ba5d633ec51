/**
 * Cuts long work into slices, so that what else the thread does never waits longer than a slice:
 * `if (slice.isSpent) await slice.next();` inside the loop.
 */
export class TurnSlice {
  readonly #budgetMs: number;
  #endsAtMs: number;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
    this.#endsAtMs = performance.now() + budgetMs;
  }

  get isSpent(): boolean {
    return performance.now() >= this.#endsAtMs;
  }

  /** Resolves after everything that was waiting has had its turn. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#endsAtMs = performance.now() + this.#budgetMs;
  }
}
