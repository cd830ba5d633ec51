/**
 * Cuts long work into slices, so that what else the thread does never waits longer than a slice:
 * `if (slice.isSpent) await slice.next();` inside the loop, or `slice.run()` for work that is written as steps.
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

  /** Takes all steps of a piece of work that may be interrupted between them. */
  async run<T>(steps: Iterator<unknown, T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      if (this.isSpent) await this.next();
    }
  }

  /** Resolves after everything that was waiting has had its turn. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#endsAtMs = performance.now() + this.#budgetMs;
  }
}
