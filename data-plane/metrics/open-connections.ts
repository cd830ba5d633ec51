import type { Socket } from "node:net";

/** Connections of a worker that are open, by entry point, HTTP and TCP alike. */
export class OpenConnections {
  readonly #counts = new Map<string, number>();
  readonly #retired = new Set<string>();

  /** The entry point exists: it is reported, be it with none. */
  keep(entryPoint: string): void {
    this.#retired.delete(entryPoint);
    if (!this.#counts.has(entryPoint)) this.#counts.set(entryPoint, 0);
  }

  count(entryPoint: string, socket: Socket): void {
    this.#add(entryPoint, 1);
    socket.once("close", () => {
      if (this.#add(entryPoint, -1) === 0 && this.#retired.has(entryPoint)) this.retire(entryPoint);
    });
  }

  /** The entry point is gone; its last connections may still be there. */
  retire(entryPoint: string): void {
    this.#retired.add(entryPoint);
    if (this.#counts.get(entryPoint) !== 0) return;
    this.#counts.delete(entryPoint);
    this.#retired.delete(entryPoint);
  }

  report(): { readonly entryPoint: string; readonly open: number }[] {
    return [...this.#counts].map(([entryPoint, open]) => ({ entryPoint, open }));
  }

  #add(entryPoint: string, change: number): number {
    const count = (this.#counts.get(entryPoint) ?? 0) + change;
    this.#counts.set(entryPoint, count);
    return count;
  }
}
