/** A connection of an entry point, HTTP or TCP, as far as draining is concerned. */
export interface TrackedConnection {
  /** Closes at once when nothing is under way, else as soon as what is under way is done. */
  beginDrain(): void;
  destroy(): void;
}

/** The open connections of an entry point in one worker. */
export class ConnectionSet {
  readonly #connections = new Set<TrackedConnection>();
  #whenEmpty: (() => void)[] = [];
  #isDraining: boolean = false;

  get size(): number {
    return this.#connections.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  add(connection: TrackedConnection): void {
    this.#connections.add(connection);
    if (this.#isDraining) connection.beginDrain();
  }

  delete(connection: TrackedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#resolveWaiting();
  }

  /** Resolves when no connection is left; what is open after `graceMs` is destroyed. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    for (const connection of [...this.#connections]) connection.beginDrain();
    if (this.#connections.size === 0) return;
    const deadline = setTimeout(() => {
      for (const connection of [...this.#connections]) connection.destroy();
    }, graceMs);
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
    clearTimeout(deadline);
  }

  #resolveWaiting(): void {
    const waiting = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const resolve of waiting) resolve();
  }
}
