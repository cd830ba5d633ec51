/**
 * Whose turn it is among weighted members, in Traefik's order for TCP and UDP: rounds at a falling level, in which
 * everybody has a turn who weighs at least as much.
 */
export class WeightedTurns {
  readonly #weights: readonly number[];
  readonly #highest: number;
  readonly #step: number;
  #index = -1;
  #level = 0;

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#highest = Math.max(0, ...weights);
    this.#step = weights.reduce(greatestCommonDivisor, 0);
  }

  /** Undefined: nobody weighs anything. */
  next(): number | undefined {
    if (this.#highest === 0) return undefined;
    for (;;) {
      this.#index = (this.#index + 1) % this.#weights.length;
      if (this.#index === 0) {
        this.#level -= this.#step;
        if (this.#level <= 0) this.#level = this.#highest;
      }
      if ((this.#weights[this.#index] ?? 0) >= this.#level) return this.#index;
    }
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
