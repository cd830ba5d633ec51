/**
 * The contract of the snapshot store (stage 5): committed, numbered generations with one fenced writer; everybody else
 * only reads. Met by the local store (node:sqlite) and the etcd store; `test/contract` holds the suite both must pass.
 */
import type { Generation } from "../../config-model/snapshot/generation.ts";
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { SourceDigests } from "../../config-model/snapshot/source-digests-text.ts";

/** A commit, as every reader sees it, in order and without gaps. */
export interface CommittedGeneration {
  readonly generation: Generation;
  /** View digest after it (config-model/snapshot/snapshot-digest.ts). */
  readonly digest: Uint8Array;
  readonly delta: SnapshotDelta;
  /** What the sources held that it was compiled from. */
  readonly sources: SourceDigests;
}

/** A generation of the past: what it was, and what it changed of the one before. */
export interface PastStep {
  readonly generation: Generation;
  readonly digest: Uint8Array;
  readonly keys: readonly ResourceKey[];
}

/** Where a reading stands: the newest committed generation, or none in a store that was never written. */
export interface StoreHead {
  readonly fleetId: string;
  readonly generation: Generation | undefined;
  /** Absent with `generation`. */
  readonly digest: Uint8Array | undefined;
  readonly sources: SourceDigests;
}

export interface CommitOptions {
  /** Default: as in the generation before. */
  readonly sources?: SourceDigests;
  /**
   * Not the next number but this one, in this epoch and with this state as its beginning: nodes hold newer generations than
   * the store does, which was restored from a backup.
   */
  readonly at?: { readonly epoch: bigint; readonly number: bigint };
}

/** A small text beside the generations that all replicas see: a hold of the mass-removal guard, for one. */
export interface StoreNote {
  readonly name: string;
  /** Absent: it is gone. */
  readonly text: string | undefined;
}

export interface NoteChange {
  readonly name: string;
  /** What must be there for the change to happen; absent: nothing. */
  readonly from: string | undefined;
  /** Absent: the note is deleted. */
  readonly to: string | undefined;
  /** Only while this process leads. Operators' decisions are written by any replica. */
  readonly asLeader: boolean;
}

export interface SnapshotReader {
  /** The newest committed state, in parts of at most a few hundred KiB (upserts only); then the head follows as the last event. */
  onPart(delta: SnapshotDelta): void;
  /**
   * At most once, before `onHead`: the last generations the store remembers, oldest first and without gaps, the newest one
   * the last. A store need not remember any.
   */
  onHistory?(steps: readonly PastStep[]): void;
  /** Once, when the state has been read whole. */
  onHead(head: StoreHead): void;
  /** Every later commit, this process's own included, each once, in order. */
  onCommit(commit: CommittedGeneration): void;
  /** Every note there is before `onHead`, and every change of one later, this process's own included. */
  onNote?(note: StoreNote): void;
  /** The store was replaced or reset under us: a new reading follows from its first part. Notes are forgotten too. */
  onReset(): void;
}

export interface SnapshotStore {
  /**
   * Reads the newest state into `reader` and follows later commits until `stop()`. Retries for ever while the store is
   * out of reach (a log line says so); resolves once the head has been delivered.
   */
  open(reader: SnapshotReader, signal: AbortSignal): Promise<void>;
  /**
   * Whether this process may commit. `onChange` is called with the current value first. The local store always may; the
   * etcd store while it holds the leader key, by monotonic time.
   */
  onLeadership(onChange: (leading: boolean) => void): void;
  /**
   * Commits one delta as the next generation, whole or not at all: digest is that of the state after it, computed by
   * the caller. An ambiguous outcome (a reply that was lost) is read back before this settles.
   * Rejects with `NotLeaderError` (nothing was written), or `StoreUnavailableError` (nothing was written; retry later).
   */
  commit(
    delta: SnapshotDelta,
    digest: Uint8Array,
    options?: CommitOptions,
  ): Promise<CommittedGeneration>;
  /**
   * Resolves to false when the note was not `from`, or this process does not lead and had to: nothing was written.
   * Rejects with `StoreUnavailableError` when nobody knows; repeating it is harmless.
   */
  writeNote(change: NoteChange): Promise<boolean>;
  /**
   * Gives the store this fleet id in place of its own, its content unchanged: the fleet's store was wiped, its nodes hold on
   * to what they have. Rejects with `NotLeaderError` or `StoreUnavailableError`.
   */
  adoptFleet(fleetId: string): Promise<void>;
  stop(): Promise<void>;
}

/** In bytes of UTF-8, with its name. */
export const maxNoteBytes = 1024 * 1024;

/** Another process leads, or leadership was lost before the commit: nothing was written. */
export class NotLeaderError extends Error {
  override readonly name = "NotLeaderError";
}

/** The store could not be reached; nothing was written. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}
