/**
 * The one place between the builder and live traffic of an entry point. A switch is an assignment: whoever reads
 * `current` sees the old handler or the new one, and work in flight finishes on the handler it began with.
 */
export class HandlerSwitcher<Handler> {
  #current: Handler;

  constructor(initial: Handler) {
    this.#current = initial;
  }

  get current(): Handler {
    return this.#current;
  }

  switchTo(next: Handler): void {
    this.#current = next;
  }
}
