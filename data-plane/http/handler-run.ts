import type { HandlerCell, HttpHandler } from "./http-exchange.ts";

const noHandlers: readonly HandlerCell[] = [];

/**
 * Which handler is next. Lists nest (an entry point's router inside another list, a chain inside a router's list): each
 * is walked to its end, then its service if it has one, then the list around it goes on.
 */
export class HandlerRun {
  readonly #lists: (readonly HandlerCell[])[] = [];
  readonly #services: (HandlerCell | undefined)[] = [];
  readonly #indexes: number[] = [];
  #depth = 0;

  reset(): void {
    this.#depth = 0;
  }

  enter(handlers: readonly HandlerCell[], service: HandlerCell | undefined): void {
    this.#lists[this.#depth] = handlers;
    this.#services[this.#depth] = service;
    this.#indexes[this.#depth] = 0;
    this.#depth += 1;
  }

  /** Undefined when nothing is left to run. */
  take(): HttpHandler | undefined {
    while (this.#depth > 0) {
      const top = this.#depth - 1;
      const list = this.#lists[top] ?? noHandlers;
      const index = this.#indexes[top] ?? 0;
      const cell = list[index];
      if (cell !== undefined) {
        this.#indexes[top] = index + 1;
        return cell.current;
      }
      const service = this.#services[top];
      this.#depth = top;
      if (service !== undefined) return service.current;
    }
    return undefined;
  }
}
