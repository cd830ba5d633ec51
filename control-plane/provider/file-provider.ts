/**
 * Routing configuration from one YAML or TOML file or a folder of them. The first reading is over when `start` returns control,
 * so that a start serves at once; later readings follow changes of the folders, or `reload`.
 */
import { isDeepStrictEqual } from "node:util";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { FileProviderConfig } from "../../config-model/static/static-configuration.ts";
import type { Logger } from "../../foundation/log.ts";
import { SettledWatch } from "./content/settled-watch.ts";
import { FileReader } from "./file-provider-reader.ts";
import type { Provider, ProviderEvent } from "./provider.ts";

export interface FileProviderInit {
  readonly config: FileProviderConfig;
  readonly log: Logger;
  /** Quiet time after a change before the files are read: who writes a file writes it in pieces. */
  readonly settleMs?: number;
  readonly missingGraceMs?: number;
}

export class FileProvider implements Provider {
  readonly name = "file";
  readonly #config: FileProviderConfig;
  readonly #reader: FileReader;
  readonly #watch: SettledWatch;
  #emit: ((event: ProviderEvent) => void) | undefined;
  /** The mark emitted last: `complete`, or why not; the former is the last one ever. */
  #mark: ProviderEvent | undefined;
  #problems: readonly Diagnostic[] = [];
  /** Of the files, as it was emitted last. */
  #digest: Uint8Array | undefined;

  constructor({ config, log, settleMs = 25, missingGraceMs = 250 }: FileProviderInit) {
    this.#config = config;
    this.#reader = new FileReader({ config, nowMs: () => performance.now(), missingGraceMs });
    this.#watch = new SettledWatch({ log, settleMs, onSettled: (folders) => this.#read(folders) });
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
    this.#watch.close();
  }

  /** `folders`: where something has changed; absent when that is not known. */
  #read(folders?: ReadonlySet<string>): void {
    this.#watch.forgetDue();
    const reading = this.#reader.read(folders);
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
    if (reading.lookAgainMs !== undefined) this.#watch.lookWithin(reading.lookAgainMs);
    if (this.#config.watch) this.#watch.follow(reading.folders);
  }

  #emitMark(mark: ProviderEvent): void {
    if (this.#mark?.kind === "complete" || isDeepStrictEqual(mark, this.#mark)) return;
    this.#mark = mark;
    this.#emit?.(mark);
  }
}
