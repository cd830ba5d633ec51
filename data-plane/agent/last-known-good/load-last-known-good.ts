/**
 * Boot: the newest base that is whole, and after it every logged delta that follows without a gap. A base that cannot be
 * used is an alarm and no reason not to start: the older one and its longer chain of deltas lead to the same state.
 */
import { join } from "node:path";
import { decodeChangeList } from "../../../config-model/snapshot/change-list-codec.ts";
import type { KeyedSnapshot } from "../../../config-model/snapshot/keyed-snapshot.ts";
import type { FileSystem } from "../../../foundation/file-system.ts";
import type { Logger } from "../../../foundation/log.ts";
import { isSame } from "../node-state.ts";
import { type DatedState, decodeBase, decodeLog, type LoadedBase } from "./state-files.ts";

export interface StateFile {
  readonly kind: "base" | "log";
  readonly sequence: number;
  readonly name: string;
}

export interface LoadedState extends DatedState {
  readonly snapshot: KeyedSnapshot;
  readonly baseBytes: number;
  /** Of the logs that were read. */
  readonly logBytes: number;
  /** Base files that cannot be used. */
  readonly damaged: readonly string[];
}

export interface LoadInit {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly log: Logger;
}

/** Oldest first. */
export function stateFiles(names: readonly string[]): StateFile[] {
  return names
    .flatMap((name) => {
      const match = /^(base|log)-(\d{10})$/.exec(name);
      if (match === null) return [];
      const kind = match[1] === "base" ? ("base" as const) : ("log" as const);
      return [{ kind, sequence: Number(match[2]), name }];
    })
    .sort((a, b) => a.sequence - b.sequence);
}

export function stateFileName(kind: StateFile["kind"], sequence: number): string {
  return `${kind}-${String(sequence).padStart(10, "0")}`;
}

/** A base that a process was killed in the middle of. */
export function isUnfinished(name: string): boolean {
  return /^base-\d{10}\.tmp$/.test(name);
}

/** Never rejects; undefined when there is nothing that can be used. */
export async function loadLastKnownGood(
  init: LoadInit,
  files: readonly StateFile[],
): Promise<LoadedState | undefined> {
  const { directory, fileSystem, log } = init;
  const damaged: string[] = [];
  for (const base of files.filter(({ kind }) => kind === "base").toReversed()) {
    try {
      const logs = files.filter(
        ({ kind, sequence }) => kind === "log" && sequence >= base.sequence,
      );
      const baseBytes = await fileSystem.read(join(directory, base.name));
      const logBytes = await readLogs(init, logs);
      const loaded = follow(decodeBase(baseBytes), logBytes, "at the end");
      const state =
        loaded ??
        follow(decodeBase(baseBytes), logBytes, "after each delta") ??
        decodeBase(baseBytes);
      return {
        ...state,
        damaged,
        baseBytes: baseBytes.byteLength,
        logBytes: logBytes.reduce((sum, { byteLength }) => sum + byteLength, 0),
      };
    } catch (error) {
      damaged.push(base.name);
      log.error("last-known-good is damaged, trying an older one", { file: base.name, error });
    }
  }
  return undefined;
}

async function readLogs(
  { directory, fileSystem, log }: LoadInit,
  files: readonly StateFile[],
): Promise<Uint8Array[]> {
  const contents: Uint8Array[] = [];
  for (const { name } of files) {
    try {
      contents.push(await fileSystem.read(join(directory, name)));
    } catch (error) {
      log.error("last-known-good log cannot be read", { file: name, error });
    }
  }
  return contents;
}

/**
 * Changes the base in place. A digest costs more than a delta, so it is compared once at the end; undefined when it
 * differs there. Compared after each delta, what goes wrong is where the state stops.
 */
function follow(
  base: LoadedBase,
  logs: readonly Uint8Array[],
  compare: "at the end" | "after each delta",
): LoadedBase | undefined {
  const { snapshot } = base;
  let state: DatedState = base;
  for (const bytes of logs) {
    for (const entry of entriesOf(bytes)) {
      if (entry.kind === "confirmed") {
        if (isSame(entry.generation, state.generation)) {
          state = { ...state, writtenAtMs: entry.writtenAtMs };
        }
        continue;
      }
      if (!isSame(entry.before, state.generation)) continue; // of a chain that leads elsewhere
      const undoLogs = entry.parts.map((part) => snapshot.apply(decodeChangeList(part)));
      if (compare === "after each delta" && !hasDigest(snapshot, entry)) {
        for (const undoLog of undoLogs.toReversed()) snapshot.undo(undoLog);
        return { ...state, snapshot };
      }
      state = entry;
    }
  }
  if (!hasDigest(snapshot, state)) return undefined;
  return { ...state, snapshot };
}

function* entriesOf(bytes: Uint8Array) {
  try {
    yield* decodeLog(bytes);
  } catch {
    // A head this version cannot read ends the log, like one that is not whole.
  }
}

function hasDigest(snapshot: KeyedSnapshot, { digest }: DatedState): boolean {
  return Buffer.compare(snapshot.digest(), digest) === 0;
}
