/**
 * Routing configuration from one YAML or TOML file or a folder of them. The first reading is over when `start` returns control,
 * so that a start serves at once; later readings follow changes of the folders, or `reload`.
 */
import { isDeepStrictEqual } from "node:util";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { FileProviderConfig } from "../../config-model/static/static-configuration.ts";
import type { Logger } from "../../foundation/log.ts";
import { FileReader } from "./file-provider-reader.ts";
import { FolderWatch } from "./file-provider-watch.ts";
import type { Provider, ProviderEvent } from "./provider.ts";

export interface FileProviderInit {
  readonly config: FileProviderConfig;
  readonly log: Logger;
  /** Quiet time after a change before the files are read: who writes a file writes it in pieces. */
  readonly settleMs?: number;
  readonly missingGraceMs?: number;
}

/** A writer that never pauses is read all the same. */
const maxSettleMs = 500;

/** Where folders cannot be watched (limits of the system), they are looked at this often. */
const pollMs = 1_000;

export class FileProvider implements Provider {
  readonly name = "file";
  readonly #config: FileProviderConfig;
  readonly #log: Logger;
  readonly #settleMs: number;
  readonly #reader: FileReader;
  readonly #watch: FolderWatch;
  #emit: ((event: ProviderEvent) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #firstUnreadMs: number | undefined;
  /** The mark emitted last: `complete`, or why not; the former is the last one ever. */
  #mark: ProviderEvent | undefined;
  #problems: readonly Diagnostic[] = [];
  /** Of the files, as it was emitted last. */
  #digest: Uint8Array | undefined;
  /** Folders whose failure to be watched has been logged. */
  readonly #unwatched = new Set<string>();

  constructor({ config, log, settleMs = 25, missingGraceMs = 250 }: FileProviderInit) {
    this.#config = config;
    this.#log = log;
    this.#settleMs = settleMs;
    this.#reader = new FileReader({ config, nowMs: () => performance.now(), missingGraceMs });
    this.#watch = new FolderWatch(
      () => this.#noteChange(),
      (folder, error) => this.#pollInstead(folder, error),
    );
  }

  async start(emit: (event: ProviderEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    this.#emit = emit;
    this.#read();
  }

  /** Reads again now (SIGHUP). */
  reload(): void {
    if (this.#emit !== undefined) this.#read();
  }

  async stop(): Promise<void> {
    this.#emit = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watch.close();
  }

  #read(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firstUnreadMs = undefined;
    const reading = this.#reader.read();
    const emit = (event: ProviderEvent) => this.#emit?.(event);
    const { changes, digest } = reading;
    if (changes.length > 0 || (digest !== undefined && digest !== this.#digest)) {
      emit({ kind: "changes", changes, ...(digest !== undefined && { source: { digest } }) });
    }
    this.#digest = digest ?? this.#digest;
    if (!isDeepStrictEqual(reading.problems, this.#problems)) {
      this.#problems = reading.problems;
      emit({ kind: "problems", problems: reading.problems });
    }
    this.#emitMark(
      reading.incomplete === undefined
        ? { kind: "complete" }
        : { kind: "unavailable", reason: reading.incomplete },
    );
    if (this.#emit === undefined) return;
    if (reading.lookAgainMs !== undefined) this.#readWithin(reading.lookAgainMs);
    // Between a reading and the beginning of a watch a change could have slipped through.
    if (this.#config.watch && this.#watch.set(reading.folders)) this.#readWithin(this.#settleMs);
  }

  #emitMark(mark: ProviderEvent): void {
    if (this.#mark?.kind === "complete" || isDeepStrictEqual(mark, this.#mark)) return;
    this.#mark = mark;
    this.#emit?.(mark);
  }

  #noteChange(): void {
    if (this.#emit === undefined) return;
    const now = performance.now();
    this.#firstUnreadMs ??= now;
    const leftMs = this.#firstUnreadMs + maxSettleMs - now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#read(), Math.max(0, Math.min(this.#settleMs, leftMs)));
  }

  #readWithin(ms: number): void {
    this.#timer ??= setTimeout(() => this.#read(), ms);
  }

  #pollInstead(folder: string, error: Error): void {
    if (!this.#unwatched.has(folder)) {
      this.#unwatched.add(folder);
      this.#log.warn("folder cannot be watched, it is looked at every second", { folder, error });
    }
    if (this.#emit !== undefined) this.#readWithin(pollMs);
  }
}
