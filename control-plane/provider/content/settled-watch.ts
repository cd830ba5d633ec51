/**
 * Says when something in folders has changed and the writer has paused. It does not say what: who is told looks. What
 * cannot be watched counts as changed every second.
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
  /** `folders`: in which something changed; absent when it was only time to look (`lookWithin`). */
  readonly onSettled: (folders: ReadonlySet<string> | undefined) => void;
}

export class SettledWatch {
  readonly #init: SettledWatchInit;
  readonly #watch: FolderWatch;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #firstUnseenMs: number | undefined;
  #changed = new Set<string>();
  #isClosed: boolean = false;
  /** Folders whose failure to be watched has been logged. */
  readonly #unwatched = new Set<string>();

  constructor(init: SettledWatchInit) {
    this.#init = init;
    this.#watch = new FolderWatch(
      (folder) => this.#noteChange(folder),
      (folder, error) => this.#pollInstead(folder, error),
    );
  }

  /** Watches exactly these folders from now on. */
  follow(folders: readonly string[]): void {
    if (this.#isClosed) return;
    // Between the last look and the beginning of a watch a change could have slipped through.
    for (const folder of this.#watch.set(folders)) this.#noteChange(folder);
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
    this.#changed = new Set();
  }

  close(): void {
    this.#isClosed = true;
    this.forgetDue();
    this.#watch.close();
  }

  #noteChange(folder: string): void {
    this.#changed.add(folder);
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
      const changed = this.#changed;
      this.forgetDue();
      this.#init.onSettled(changed.size > 0 ? changed : undefined);
    }, ms);
  }

  #pollInstead(folder: string, error: Error): void {
    if (!this.#unwatched.has(folder)) {
      this.#unwatched.add(folder);
      const message = "folder cannot be watched, it is looked at every second";
      this.#init.log.warn(message, { folder, error });
    }
    this.#changed.add(folder);
    this.lookWithin(pollMs);
  }
}
