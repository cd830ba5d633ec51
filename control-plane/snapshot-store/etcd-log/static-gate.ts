/**
 * Whether this control plane may lead with the static configuration it has. Entry points and node settings belong to the
 * generation, so of several replicas only those lead whose file says what has been committed; another one says so and
 * waits for `fleet static adopt`. One that is alone commits what its file says: that is how a restart changes them.
 */
import type { Logger } from "../../../foundation/log.ts";
import type { Replica } from "./replica-presence.ts";

export interface StaticState {
  readonly own: string;
  /** Absent: nothing has been committed yet. */
  readonly committed: string | undefined;
  /** It differs, others run, and an operator has to decide: this control plane does not lead. */
  readonly isWaiting: boolean;
}

export interface StaticGateInit {
  readonly own: string;
  /** The other control planes there are now. */
  readonly others: () => Promise<readonly Replica[]>;
  /** One that was killed is listed for so long. */
  readonly graceMs: number;
  readonly log: Logger;
  readonly now?: () => number;
}

export const staticNote = "static";

export class StaticGate {
  readonly #init: StaticGateInit;
  readonly #now: () => number;
  #own: string;
  #committed: string | undefined;
  #differsSinceMs: number | undefined;
  #isWaiting: boolean = false;

  constructor(init: StaticGateInit) {
    this.#init = init;
    this.#own = init.own;
    this.#now = init.now ?? (() => performance.now());
  }

  get state(): StaticState {
    return { own: this.#own, committed: this.#committed, isWaiting: this.#isWaiting };
  }

  /** Whether the committed one is this control plane's. */
  get isCommitted(): boolean {
    return this.#committed === this.#own;
  }

  set own(own: string) {
    this.#own = own;
    this.#compare();
  }

  set committed(committed: string | undefined) {
    this.#committed = committed;
    this.#compare();
  }

  async mayStand(): Promise<boolean> {
    if (this.#committed === undefined || this.#committed === this.#own) return true;
    if (this.#isWaiting) return false;
    const others = await this.#init.others();
    if (others.length === 0) return true;
    this.#differsSinceMs ??= this.#now();
    if (this.#now() - this.#differsSinceMs < this.#init.graceMs) return false;
    this.#isWaiting = true;
    this.#init.log.error(
      "static configuration differs from what the fleet runs: this control plane does not lead",
      {
        own: this.#own.slice(0, 12),
        committed: this.#committed.slice(0, 12),
        others: others.length,
        next: "switchyard fleet static adopt",
      },
    );
    return false;
  }

  #compare(): void {
    if (this.#committed !== undefined && this.#committed !== this.#own) return;
    this.#differsSinceMs = undefined;
    this.#isWaiting = false;
  }
}
