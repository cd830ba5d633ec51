import type { Logger } from "../../foundation/log.ts";

/**
 * Says once that etcd is out of reach, again when the reason changes, and once that it is back: retries go on for ever, their
 * log lines must not.
 */
export class OutageLog {
  readonly #what: string;
  readonly #log: Logger;
  #reason: string | undefined;

  constructor(what: string, log: Logger) {
    this.#what = what;
    this.#log = log;
  }

  /** Whether the reason is new. */
  failed(error: Error): boolean {
    if (error.message === this.#reason) return false;
    this.#reason = error.message;
    this.#log.warn(`${this.#what} is unavailable, retrying`, { reason: error.message });
    return true;
  }

  /** Whether there was an outage. */
  recovered(): boolean {
    if (this.#reason === undefined) return false;
    this.#reason = undefined;
    this.#log.info(`${this.#what} is available again`);
    return true;
  }
}
