/**
 * Collects one transfer and trusts nothing of it: chunks count from 0 without gaps, carry a right CRC, decode, and every
 * payload has the hash it claims. What passes is whole, but not yet known to be the state the control plane means: only
 * the digest after applying it says that (node-state.ts).
 *
 * Chunks are checked as they arrive and touch no state before the commit, so a stream that breaks leaves nothing to undo.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { readChangeList } from "../../config-model/snapshot/read-change-list.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { errorText } from "../../foundation/error-text.ts";
import type {
  TransferBegin,
  TransferChunk,
  TransferCommit,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { sharedCopy } from "./shared-parts.ts";

/** An encoded `ChangeList` in shared memory, and what it says. */
export interface TransferPart {
  readonly changes: Uint8Array;
  readonly delta: SnapshotDelta;
}

export interface ReceivedTransfer {
  readonly generation: Generation;
  /** Absent: replaces everything the node holds. */
  readonly base: Generation | undefined;
  readonly parts: readonly TransferPart[];
  /** What the digest must be once this is applied. */
  readonly digest: Uint8Array;
  /** `performance.now()` when it began. */
  readonly beganAtMs: number;
}

/** The transfer cannot be used; nothing was touched. */
export class TransferError extends Error {
  override readonly name: string = "TransferError";
}

export class TransferReceiver {
  readonly generation: Generation;
  readonly base: Generation | undefined;
  readonly beganAtMs = performance.now();
  readonly #chunkCount: number;
  readonly #parts: TransferPart[] = [];

  constructor({ generation, base, chunkCount }: TransferBegin) {
    if (generation === undefined) throw new TransferError("the transfer names no generation");
    this.generation = generation;
    this.base = base;
    this.#chunkCount = chunkCount;
  }

  add({ index, changes, crc32: expectedCrc }: TransferChunk): void {
    const expectedIndex = this.#parts.length;
    if (index !== expectedIndex || index >= this.#chunkCount) {
      throw new TransferError(
        `chunk ${index} arrived where chunk ${expectedIndex} of ${this.#chunkCount} was due`,
      );
    }
    if (crc32(changes) !== expectedCrc) {
      throw new TransferError(`chunk ${index} has a wrong checksum`);
    }
    const shared = sharedCopy(changes);
    const delta = decode(shared, index);
    this.#parts.push({ changes: shared, delta });
  }

  commit({ generation, digest }: TransferCommit): ReceivedTransfer {
    if (this.#parts.length !== this.#chunkCount) {
      throw new TransferError(
        `the transfer was committed after ${this.#parts.length} of ${this.#chunkCount} chunks`,
      );
    }
    if (
      generation?.fleetId !== this.generation.fleetId ||
      generation.epoch !== this.generation.epoch ||
      generation.number !== this.generation.number
    ) {
      throw new TransferError("the commit names another generation than the transfer began with");
    }
    return {
      generation: this.generation,
      base: this.base,
      parts: this.#parts,
      digest,
      beganAtMs: this.beganAtMs,
    };
  }
}

/**
 * Every payload has the hash it claims. Hashes and payloads are views of `changes`: the agent and all workers hold the
 * same bytes once.
 */
function decode(changes: Uint8Array, index: number): SnapshotDelta {
  try {
    const { upserts, removals } = readChangeList(changes);
    for (const { kind, name } of [...upserts, ...removals]) {
      // The digest has 16 bits for it. A kind of a newer version is kept as it is.
      if (kind < 1 || kind > 0xffff) throw new Error(`${kind} is no resource kind ("${name}")`);
    }
    for (const resource of upserts) {
      if (!hash("sha256", resource.payload, "buffer").equals(resource.hash)) {
        throw new Error(`the payload of "${resource.name}" does not match its hash`);
      }
    }
    return {
      upserts: upserts as readonly Resource[],
      removals: removals as readonly ResourceKey[],
    };
  } catch (error) {
    const reason = errorText(error);
    throw new TransferError(`chunk ${index} cannot be used: ${reason}`, { cause: error });
  }
}
