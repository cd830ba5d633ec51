/**
 * Collects one transfer and trusts nothing of it: chunks count from 0 without gaps, carry a right CRC, decode, and every
 * payload has the hash it claims. What passes is whole, but not yet known to be the state the control plane means: only
 * the digest after applying it says that (node-state.ts).
 *
 * Chunks are checked as they arrive and touch no state before the commit, so a stream that breaks leaves nothing to undo.
 */
import { zstdDecompressSync } from "node:zlib";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { readChangeList } from "../../config-model/snapshot/read-change-list.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { SourceDigests } from "../../config-model/snapshot/source-digests-text.ts";
import { errorText } from "../../foundation/error-text.ts";
import {
  Compression,
  RejectionPolicy,
  type TransferBegin,
  type TransferChunk,
  type TransferCommit,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { sharedCopy } from "./shared-parts.ts";
import { type TransferChecks, transferChecks } from "./transfer-checks.ts";

/** One resource may be larger than a chunk is aimed at; nothing is larger than a message may be. */
const maxChunkBytes = 64 * 1024 * 1024;

/** An encoded `ChangeList` in shared memory, and what it says. */
export interface TransferPart {
  readonly changes: Uint8Array;
  readonly delta: SnapshotDelta;
}

export interface ReceivedTransfer {
  readonly generation: Generation;
  /** Absent: replaces everything the node holds. */
  readonly base: Generation | undefined;
  /** A resource that cannot be served refuses all of it. */
  readonly isStrict: boolean;
  readonly parts: readonly TransferPart[];
  /** What the digest must be once this is applied. */
  readonly digest: Uint8Array;
  readonly sources: SourceDigests;
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
  readonly #isStrict: boolean;
  readonly #chunkCount: number;
  readonly #checks: TransferChecks;
  readonly #parts: TransferPart[] = [];

  constructor(
    { generation, base, chunkCount, rejectionPolicy }: TransferBegin,
    checks: TransferChecks = transferChecks,
  ) {
    if (generation === undefined) throw new TransferError("the transfer names no generation");
    this.generation = generation;
    this.base = base;
    this.#isStrict = rejectionPolicy === RejectionPolicy.STRICT;
    this.#chunkCount = chunkCount;
    this.#checks = checks;
  }

  add(chunk: TransferChunk): void {
    const { index, changes } = chunk;
    const expectedIndex = this.#parts.length;
    if (!this.#checks.isNext(index, expectedIndex, this.#chunkCount)) {
      throw new TransferError(
        `chunk ${index} arrived where chunk ${expectedIndex} of ${this.#chunkCount} was due`,
      );
    }
    if (!this.#checks.isIntact(changes, chunk.crc32)) {
      throw new TransferError(`chunk ${index} has a wrong checksum`);
    }
    const shared = sharedCopy(contentOf(chunk));
    const delta = decode(shared, index, this.#checks);
    this.#parts.push({ changes: shared, delta });
  }

  commit({ generation, digest, sources }: TransferCommit): ReceivedTransfer {
    if (!this.#checks.isComplete(this.#parts.length, this.#chunkCount)) {
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
      isStrict: this.#isStrict,
      parts: this.#parts,
      digest,
      sources: new Map(
        sources.map(({ provider, digest, revision }) => [
          provider,
          { digest, ...(revision > 0n && { revision }) },
        ]),
      ),
      beganAtMs: this.beganAtMs,
    };
  }
}

/** The encoded `ChangeList` of a chunk, never longer than it says. */
function contentOf({ index, changes, compression, uncompressedBytes }: TransferChunk): Uint8Array {
  switch (compression) {
    case Compression.UNSPECIFIED:
      return changes;
    case Compression.ZSTD: {
      if (uncompressedBytes > maxChunkBytes) {
        throw new TransferError(`chunk ${index} says it has ${uncompressedBytes} bytes`);
      }
      const content = decompress(changes, uncompressedBytes, index);
      if (content.length === uncompressedBytes) return content;
      throw new TransferError(
        `chunk ${index} has ${content.length} bytes where it says ${uncompressedBytes}`,
      );
    }
  }
  throw new TransferError(`chunk ${index} is compressed in a way this node does not know`);
}

function decompress(changes: Uint8Array, maxOutputLength: number, index: number): Uint8Array {
  try {
    return zstdDecompressSync(changes, { maxOutputLength: Math.max(1, maxOutputLength) });
  } catch (error) {
    const reason = errorText(error);
    throw new TransferError(`chunk ${index} cannot be decompressed: ${reason}`, { cause: error });
  }
}

/**
 * Every payload has the hash it claims. Hashes and payloads are views of `changes`: the agent and all workers hold the
 * same bytes once.
 */
function decode(changes: Uint8Array, index: number, checks: TransferChecks): SnapshotDelta {
  try {
    const { upserts, removals } = readChangeList(changes);
    for (const { kind, name } of [...upserts, ...removals]) {
      // The digest has 16 bits for it. A kind of a newer version is kept as it is.
      if (kind < 1 || kind > 0xffff) throw new Error(`${kind} is no resource kind ("${name}")`);
    }
    for (const resource of upserts) {
      if (!checks.isPayload(resource.payload, resource.hash)) {
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
