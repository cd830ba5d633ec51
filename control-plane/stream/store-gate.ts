import type { CommittedState } from "../snapshot-store/committed-state.ts";

/**
 * Nodes that come before the store has been read wait for it a moment: both start together often enough, and a refusal
 * would be a warning on either side and a node that comes back later than need be.
 */
export class StoreGate {
  readonly #committed: CommittedState;
  readonly #waitMs: number;

  constructor(committed: CommittedState, waitMs: number) {
    this.#committed = committed;
    this.#waitMs = waitMs;
  }

  /** Calls `enter` once the store has been read or the moment is over. Returns what calls that off, if there is a wait. */
  pass(enter: () => void): (() => void) | undefined {
    if (this.#committed.head !== undefined) {
      enter();
      return undefined;
    }
    const leave = () => {
      clearTimeout(deadline);
      stopWatching();
    };
    const go = () => {
      leave();
      enter();
    };
    const deadline = setTimeout(go, this.#waitMs);
    const stopWatching = this.#committed.onChange(() => {
      if (this.#committed.head !== undefined) go();
    });
    return leave;
  }
}
