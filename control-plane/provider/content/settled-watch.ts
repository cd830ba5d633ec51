/**
 * Says when something in folders has changed and the writer has paused. It does not say what: who is told looks. What
 * cannot be watched is looked at every second.
 */
import type { Logger } from "../../../foundation/log.ts";
import { FolderWatch } from "./folder-watch.ts";

/** A writer that never pauses is looked at all the same. */
const maxSettleMs = 500;

/** Where folders cannot be watched (limits of the system), they are looked at this often. */
const pollMs = 1_000;

export interface SettledWatchInit {
  readonly log: Logger;
  readonly settleMs: number;
  readonly onSettled: () => void;
}

export class SettledWatch {
  readonly #init: SettledWatchInit;
  readonly #watch: FolderWatch;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #firstUnseenMs: number | undefined;
  #isClosed: boolean = false;
  /** Folders whose failure to be watched has been logged. */
  readonly #unwatched = new Set<string>();

  constructor(init: SettledWatchInit) {
    this.#init = init;
    this.#watch = new FolderWatch(
      () => this.#noteChange(),
      (folder, error) => this.#pollInstead(folder, error),
    );
  }

  /** Watches exactly these folders from now on. */
  follow(folders: readonly string[]): void {
    // Between the last look and the beginning of a watch a change could have slipped through.
    if (!this.#isClosed && this.#watch.set(folders)) this.lookWithin(this.#init.settleMs);
  }

  /** Says so after this time if nothing says so sooner. */
  lookWithin(ms: number): void {
    if (this.#timer === undefined || performance.now() + ms < this.#dueMs) this.#lookAfter(ms);
  }

  /** What is due is being done now. */
  forgetDue(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firstUnseenMs = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.forgetDue();
    this.#watch.close();
  }

  #noteChange(): void {
    const now = performance.now();
    this.#firstUnseenMs ??= now;
    const leftMs = this.#firstUnseenMs + maxSettleMs - now;
    this.#lookAfter(Math.max(0, Math.min(this.#init.settleMs, leftMs)));
  }

  #lookAfter(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#dueMs = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.forgetDue();
      this.#init.onSettled();
    }, ms);
  }

  #pollInstead(folder: string, error: Error): void {
    if (!this.#unwatched.has(folder)) {
      this.#unwatched.add(folder);
      const message = "folder cannot be watched, it is looked at every second";
      this.#init.log.warn(message, { folder, error });
    }
    this.lookWithin(pollMs);
  }
}
