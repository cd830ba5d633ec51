/** What may have a deadline: a moment on the sweeper's clock, or `noDeadline`. */
export interface DeadlineHolder {
  deadlineMs: number;
  /** Called once the deadline has passed; sets the next one, or none. */
  deadlinePassed(): void;
}

export const noDeadline = Number.POSITIVE_INFINITY;

/**
 * All timeouts of a worker in one timer. Moving a deadline, several times per request, is an addition and an assignment.
 * The price is one look at every holder per interval, and that a timeout is late by up to two intervals; it is never early.
 */
export class DeadlineSweeper {
  readonly #intervalMs: number;
  readonly #holders = new Set<DeadlineHolder>();
  #timer: NodeJS.Timeout | undefined;
  #nowMs = performance.now();
  #httpDate = new Date().toUTCString();
  #dateUntilMs = 0;

  constructor(intervalMs = 250) {
    this.#intervalMs = intervalMs;
  }

  /** For holders that were added; 0 is "no limit". */
  deadlineAfter(afterMs: number): number {
    return afterMs === 0 ? noDeadline : this.#nowMs + this.#intervalMs + afterMs;
  }

  /** As `Date` fields want it; current to the second plus one interval. */
  get httpDate(): string {
    return this.#httpDate;
  }

  add(holder: DeadlineHolder): void {
    this.#holders.add(holder);
    if (this.#timer !== undefined) return;
    this.#nowMs = performance.now();
    this.#refreshDate(this.#nowMs);
    this.#timer = setInterval(() => this.#sweep(), this.#intervalMs);
    // Sockets keep a worker alive, their timeouts do not.
    this.#timer.unref();
  }

  delete(holder: DeadlineHolder): void {
    this.#holders.delete(holder);
    if (this.#holders.size > 0 || this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    this.#nowMs = performance.now();
    this.#refreshDate(this.#nowMs);
    for (const holder of this.#holders) {
      if (holder.deadlineMs <= this.#nowMs) {
        holder.deadlineMs = noDeadline;
        holder.deadlinePassed();
      }
    }
  }

  #refreshDate(nowMs: number): void {
    if (nowMs < this.#dateUntilMs) return;
    const date = new Date();
    this.#httpDate = date.toUTCString();
    this.#dateUntilMs = nowMs + 1_000 - date.getMilliseconds();
  }
}
