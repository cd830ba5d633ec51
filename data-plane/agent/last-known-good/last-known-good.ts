/**
 * Keeps what this node serves on disk, so that it boots without a control plane. Changes are appended to a log, at most
 * one fsync a second; when the log outgrows half of its base, the state is written as a new base. The two newest bases
 * and the logs since the older one are kept.
 *
 * A disk that fails costs durability only: the failure is reported, serving goes on, and a new base is tried with
 * growing delays. After a failed write nobody knows what is in the log, so it is never appended to again.
 */
import { join } from "node:path";
import type { Resource } from "../../../config-model/snapshot/resource.ts";
import { backoffDelayMs } from "../../../foundation/backoff.ts";
import { type FileSystem, nodeFileSystem, type OpenFile } from "../../../foundation/file-system.ts";
import type { Logger } from "../../../foundation/log.ts";
import { replaceFile } from "../../../foundation/replace-file.ts";
import { describe, isSame, type Running, type StagedChange } from "../node-state.ts";
import {
  isUnfinished,
  type LoadedState,
  loadLastKnownGood,
  type StateFile,
  stateFileName,
  stateFiles,
} from "./load-last-known-good.ts";
import { encodeBase, encodeConfirmation, encodeDelta } from "./state-files.ts";

interface CapturedState extends Running {
  readonly resources: readonly Resource[];
}

export interface LastKnownGoodInit {
  readonly directory: string;
  readonly log: Logger;
  /** Runs `task` when no change is half done, and resolves to its result. */
  readonly atRest: <T>(task: () => T) => Promise<T>;
  /** What the node holds; called at rest. */
  readonly capture: () => CapturedState | undefined;
  /** A write failed, with the system's code, or works again. */
  readonly onFailureChange: () => void;
  readonly fileSystem?: FileSystem;
  readonly flushIntervalMs?: number;
  readonly confirmationIntervalMs?: number;
  /** A log smaller than this is never a reason for a new base. */
  readonly minLogBytes?: number;
  /** How many bases are kept. */
  readonly bases?: number;
  /** Whether a failed write is tried again; otherwise the next change does. */
  readonly retries?: boolean;
}

/** The newest, and one to fall back to. */
const defaultBases = 2;
const retry = { baseMs: 1_000, maxMs: 30_000 };

export class LastKnownGood {
  readonly #init: LastKnownGoodInit;
  readonly #fileSystem: FileSystem;
  /** Encoded deltas that are not on disk yet. */
  #pending: Buffer[] = [];
  /** Of the newest file. */
  #sequence = 0;
  #log: OpenFile | undefined;
  #logBytes = 0;
  /** Undefined: there is none that the log could go on from. */
  #baseBytes: number | undefined;
  /** Base files of a process before this one that turned out unusable. */
  #damaged: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  #flushing: Promise<void> = Promise.resolve();
  #failure: string | undefined;
  #failuresInRow = 0;
  #state: "open" | "stopped" = "open";
  /** For metrics. */
  failures = 0;

  constructor(init: LastKnownGoodInit) {
    this.#init = init;
    this.#fileSystem = init.fileSystem ?? nodeFileSystem;
  }

  /** The system's code of the last write, when it failed. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What a process before this one kept. Call once, before anything else; never rejects. */
  async load(): Promise<LoadedState | undefined> {
    const { directory, log } = this.#init;
    try {
      const files = stateFiles(await this.#fileSystem.list(directory));
      this.#sequence = files.at(-1)?.sequence ?? 0;
      const loaded = await loadLastKnownGood(
        { directory, fileSystem: this.#fileSystem, log },
        files,
      );
      // Appending goes to a log of a new number: the last one may end in half a record.
      this.#sequence += 1;
      this.#damaged = loaded?.damaged ?? [];
      this.#baseBytes = loaded?.baseBytes;
      this.#logBytes = loaded?.logBytes ?? 0;
      if (this.#damaged.length > 0) {
        this.#baseBytes = undefined;
        this.#schedule();
      }
      return loaded;
    } catch (error) {
      log.error("last-known-good cannot be read", { directory, error });
      return undefined;
    }
  }

  /** The change serves now. */
  keep(change: StagedChange): void {
    const { before, next, parts } = change;
    const isRepeated =
      before !== undefined && isSame(before.generation, next.generation) && parts.length === 0;
    if (isRepeated) return;
    const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (before === undefined || bytes > this.#maxLogBytes) this.#baseBytes = undefined;
    else this.#pending.push(encodeDelta(change, before.generation, Date.now()));
    this.#confirmedAtMs = performance.now();
    this.#schedule();
  }

  /** A control plane has confirmed the state; how old it is after a restart is known to a minute. */
  confirm(state: Running): void {
    const { confirmationIntervalMs = 60_000 } = this.#init;
    const now = performance.now();
    if (now - this.#confirmedAtMs < confirmationIntervalMs || this.#baseBytes === undefined) return;
    this.#confirmedAtMs = now;
    this.#pending.push(encodeConfirmation({ ...state, writtenAtMs: Date.now() }));
    this.#schedule();
  }

  /** Writes what is not on disk yet. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#flush());
    return this.#flushing;
  }

  /** Writes what is left and closes. May be called any number of times. */
  async stop(): Promise<void> {
    if (this.#state === "stopped") return this.#flushing;
    this.#state = "stopped";
    await this.flush();
    await this.#closeLog();
  }

  #schedule(delayMs?: number): void {
    if (this.#timer !== undefined || this.#state === "stopped") return;
    const { flushIntervalMs = 1_000 } = this.#init;
    const waitMs = delayMs ?? Math.max(0, this.#flushedAtMs + flushIntervalMs - performance.now());
    this.#timer = setTimeout(() => void this.flush(), waitMs);
  }

  async #flush(): Promise<void> {
    const { log, onFailureChange } = this.#init;
    const needsBase = this.#baseBytes === undefined || this.#isLogTooLong;
    if (!needsBase && this.#pending.length === 0) return;
    this.#flushedAtMs = performance.now();
    try {
      await (needsBase ? this.#writeBase() : this.#append());
    } catch (error) {
      await this.#closeLog();
      this.#baseBytes = undefined;
      this.failures += 1;
      this.#failuresInRow += 1;
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (this.#failure !== code) {
        log.error("persist_failed: last-known-good cannot be written, serving goes on", {
          directory: this.#init.directory,
          code,
        });
      }
      const isNews = this.#failure !== code;
      this.#failure = code;
      if (isNews) onFailureChange();
      if (this.#init.retries !== false) {
        this.#schedule(backoffDelayMs(this.#failuresInRow - 1, retry));
      }
      return;
    }
    this.#failuresInRow = 0;
    if (this.#failure !== undefined) {
      this.#failure = undefined;
      log.info("last-known-good is written again", { directory: this.#init.directory });
      onFailureChange();
    }
  }

  get #maxLogBytes(): number {
    const { minLogBytes = 256 * 1024 } = this.#init;
    return Math.max(minLogBytes, (this.#baseBytes ?? 0) / 2);
  }

  get #isLogTooLong(): boolean {
    const pendingBytes = this.#pending.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return this.#logBytes + pendingBytes > this.#maxLogBytes;
  }

  async #append(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    if (this.#log === undefined) {
      const { directory } = this.#init;
      this.#log = await this.#fileSystem.open(this.#path("log", this.#sequence), "append");
      await this.#fileSystem.syncDirectory(directory);
    }
    await this.#log.write(bytes);
    await this.#log.sync();
    this.#logBytes += bytes.byteLength;
  }

  async #writeBase(): Promise<void> {
    const { atRest, capture, log } = this.#init;
    const state = await atRest(() => {
      this.#pending = []; // part of what is captured
      return capture();
    });
    if (state === undefined) return;
    await this.#closeLog();
    this.#sequence += 1;
    let bytes = 0;
    const counted = function* (records: Iterable<Uint8Array>) {
      for (const record of records) {
        bytes += record.byteLength;
        yield record;
      }
    };
    const { resources, ...running } = state;
    await replaceFile(
      this.#path("base", this.#sequence),
      counted(encodeBase({ ...running, writtenAtMs: Date.now() }, resources)),
      this.#fileSystem,
    );
    this.#baseBytes = bytes;
    this.#logBytes = 0;
    log.debug("last-known-good written as a new base", {
      generation: describe(running.generation),
      bytes,
    });
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    const { directory, log } = this.#init;
    try {
      const names = await this.#fileSystem.list(directory);
      const files = stateFiles(names);
      const isDamaged = ({ name }: StateFile) => this.#damaged.includes(name);
      const bases = files.filter((file) => file.kind === "base" && !isDamaged(file));
      const kept = this.#init.bases ?? defaultBases;
      const oldest = (bases.at(-kept) ?? bases.at(0))?.sequence ?? 0;
      for (const file of files) {
        if (file.sequence >= oldest && !isDamaged(file)) continue;
        await this.#fileSystem.remove(join(directory, file.name));
      }
      for (const name of names.filter(isUnfinished)) {
        await this.#fileSystem.remove(join(directory, name));
      }
      this.#damaged = [];
    } catch (error) {
      log.warn("old last-known-good files cannot be removed", { directory, error });
    }
  }

  async #closeLog(): Promise<void> {
    const open = this.#log;
    this.#log = undefined;
    // Whatever this says, what could be lost has been reported by the write or the sync before it.
    await open?.close().catch(() => {});
  }

  #path(kind: StateFile["kind"], sequence: number): string {
    return join(this.#init.directory, stateFileName(kind, sequence));
  }
}
