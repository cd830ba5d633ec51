/**
 * Lets new streams in at a bounded rate, in the order they came: a fleet that lost its control plane comes back as one,
 * and a full transfer for each at once would take the loop from everybody. Who would wait longer than a node waits for
 * its first answer is told to come back instead.
 */
export interface AdmissionInit {
  readonly perSecond: number;
  /** Let in at once after a quiet time. */
  readonly burst: number;
  readonly maxWaitMs: number;
  readonly now?: () => number;
}

/** `queued`: `admit` will be called, unless `leave()` is first. */
export type AdmissionAnswer =
  | { readonly kind: "admitted" | "refused" }
  | { readonly kind: "queued"; readonly leave: () => void };

export class Admission {
  readonly #init: AdmissionInit;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #tokens: number;
  #filledAtMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(init: AdmissionInit) {
    this.#init = init;
    this.#now = init.now ?? (() => performance.now());
    this.#tokens = init.burst;
    this.#filledAtMs = this.#now();
  }

  /** Calls `admit` now, later, or never. */
  enter(admit: () => void): AdmissionAnswer {
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      admit();
      return { kind: "admitted" };
    }
    const { perSecond, maxWaitMs } = this.#init;
    const waitMs = ((this.#waiting.size + 1 - this.#tokens) * 1_000) / perSecond;
    if (waitMs > maxWaitMs) return { kind: "refused" };
    const waiting = () => admit(); // a member of its own, whatever `admit` is
    this.#waiting.add(waiting);
    this.#schedule();
    return { kind: "queued", leave: () => this.#waiting.delete(waiting) };
  }

  /** Nobody who waits is let in any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #fill(): void {
    const now = this.#now();
    const { perSecond, burst } = this.#init;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAtMs) * perSecond) / 1_000);
    this.#filledAtMs = now;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    const delayMs = Math.ceil(((1 - this.#tokens) * 1_000) / this.#init.perSecond);
    this.#timer = setTimeout(() => this.#letIn(), Math.max(1, delayMs));
  }

  #letIn(): void {
    this.#timer = undefined;
    this.#fill();
    for (const admit of this.#waiting) {
      if (this.#tokens < 1) break;
      this.#tokens -= 1;
      this.#waiting.delete(admit);
      admit();
    }
    this.#schedule();
  }
}
