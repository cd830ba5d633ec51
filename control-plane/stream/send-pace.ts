/** Handing more than this to sockets would hold the event loop for longer than some milliseconds. */
const bytesPerTurn = 768 * 1024;

/**
 * Large frames of all nodes together: what one turn of the event loop hands to sockets is bounded, or fifty nodes that
 * take their next chunk at once would hold up the heartbeats of everybody. Who comes too late waits for the next turn, in order.
 */
export class SendPace {
  readonly #bytesPerTurn: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #spent = 0;
  #isTurnDue: boolean = false;

  constructor(perTurn: number = bytesPerTurn) {
    this.#bytesPerTurn = perTurn;
  }

  /** Absent: at once. */
  take(bytes: number): Promise<void> | undefined {
    this.#expectTurn();
    if (this.#spent < this.#bytesPerTurn && this.#waiting.length === 0) {
      this.#spent += bytes;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push({ bytes, enter: resolve }));
  }

  #expectTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#isTurnDue = false;
    this.#spent = 0;
    while (this.#spent < this.#bytesPerTurn) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#expectTurn();
      this.#spent += next.bytes;
      next.enter();
    }
  }
}
