/**
 * Limits how often one provider's changes move on. The first change passes at once; while the period after it runs,
 * what comes is merged, and when it ends, what was merged passes and the next period begins: so the last change is
 * always delivered, at most one period late.
 *
 * Events without changes are not held back, except behind changes that wait. The completion mark, once in a process's
 * life, ends the waiting: a start never waits for the throttle.
 */
import type { ProviderEvent } from "../provider/provider.ts";
import { MergedEvents } from "./merged-events.ts";

export class ProviderThrottle {
  readonly #periodMs: number;
  readonly #deliver: (event: ProviderEvent) => void;
  readonly #waiting = new MergedEvents();
  #period: NodeJS.Timeout | undefined;

  /** `periodMs` 0: everything passes at once. */
  constructor(periodMs: number, deliver: (event: ProviderEvent) => void) {
    this.#periodMs = periodMs;
    this.#deliver = deliver;
  }

  accept(event: ProviderEvent): void {
    this.#waiting.add(event);
    if (this.#period === undefined || event.kind === "complete" || !this.#waiting.hasChanges) {
      this.#flush();
    }
  }

  /** What still waits is dropped: nothing is delivered after this. */
  stop(): void {
    clearTimeout(this.#period);
    this.#period = undefined;
    this.#waiting.take();
  }

  #flush(): void {
    if (this.#periodMs > 0 && this.#waiting.hasChanges) {
      clearTimeout(this.#period);
      this.#period = setTimeout(() => {
        this.#period = undefined;
        if (!this.#waiting.isEmpty) this.#flush();
      }, this.#periodMs);
    }
    for (const event of this.#waiting.take()) this.#deliver(event);
  }
}
