/**
 * Transfers as frames, made once for all nodes that go from one state to another. Chunks are encoded and compressed when
 * the first node reaches them and kept while nodes are being sent a transfer to the newest generation. A node that is still busy with
 * an older one gets its chunks encoded for itself, so slow nodes cost time of theirs and never memory of ours.
 */
import { crc32 } from "node:zlib";
import { ChangeListParts } from "../../config-model/snapshot/change-list-codec.ts";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { SourceDigests } from "../../config-model/snapshot/source-digests-text.ts";
import type { Compression, RejectionPolicy } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { HeldState } from "../snapshot-store/committed-state.ts";
import { type ResponseFrame, responseFrame } from "./follow-method.ts";
import { chunkContent } from "./transfer-compression.ts";

export interface SharedTransferInit {
  readonly target: HeldState;
  /** Absent: a full transfer. */
  readonly base: Generation | undefined;
  readonly delta: SnapshotDelta;
  readonly compression: Compression;
  readonly rejectionPolicy: RejectionPolicy;
  readonly sources: SourceDigests;
}

export class SharedTransfer {
  readonly target: HeldState;
  /** Absent: a full transfer. */
  readonly base: Generation | undefined;
  readonly #parts: ChangeListParts;
  readonly #compression: Compression;
  readonly #rejectionPolicy: RejectionPolicy;
  readonly #sources: SourceDigests;
  #frames: (ResponseFrame | undefined)[] = [];
  #senders = 0;
  #isNewest: boolean = true;

  constructor(init: SharedTransferInit) {
    const { target, base, delta, compression, rejectionPolicy, sources } = init;
    this.target = target;
    this.base = base;
    this.#parts = new ChangeListParts(delta);
    this.#compression = compression;
    this.#rejectionPolicy = rejectionPolicy;
    this.#sources = sources;
  }

  get chunkCount(): number {
    return this.#parts.count;
  }

  /** Every `acquire()` is followed by one `release()`. */
  acquire(): void {
    this.#senders++;
  }

  release(): void {
    if (--this.#senders === 0) this.#frames = [];
  }

  /** A newer generation is there: nobody else will begin with this one. */
  retire(): void {
    this.#isNewest = false;
    this.#frames = [];
  }

  *frames(): Generator<ResponseFrame> {
    const generation = this.target.generation;
    const chunkCount = this.#parts.count;
    const begin = {
      generation,
      base: this.base,
      chunkCount,
      rejectionPolicy: this.#rejectionPolicy,
    };
    yield responseFrame({ $case: "begin", value: begin });
    for (let index = 0; index < chunkCount; index++) yield this.#chunk(index);
    const digest = Buffer.from(this.target.digest);
    const sources = [...this.#sources].map(([provider, source]) => ({
      provider,
      digest: Buffer.from(source.digest),
      revision: source.revision ?? 0n,
    }));
    yield responseFrame({ $case: "commit", value: { generation, digest, sources } });
  }

  #chunk(index: number): ResponseFrame {
    const kept = this.#frames[index];
    if (kept !== undefined) return kept;
    const content = chunkContent(this.#parts.encode(index), this.#compression);
    const value = { index, crc32: crc32(content.changes), ...content };
    const frame = responseFrame({ $case: "chunk", value });
    if (this.#isNewest) this.#frames[index] = frame;
    return frame;
  }
}
