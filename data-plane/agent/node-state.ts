/**
 * What this node holds: resources by key, their generation and digest. A transfer is staged in place, with an undo log,
 * and either committed or undone before anything else may touch the state: the caller runs one change at a time.
 *
 * A full transfer over a state that holds something is staged as the difference. What did not change keeps its object,
 * costs no second copy, and is not sent to workers again.
 */
import { setImmediate } from "node:timers/promises";
import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";
import { KeyedSnapshot, type UndoLog } from "../../config-model/snapshot/keyed-snapshot.ts";
import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { SourceDigests } from "../../config-model/snapshot/source-digests-text.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { sharedParts } from "./shared-parts.ts";
import { type TransferChecks, transferChecks } from "./transfer-checks.ts";
import { type ReceivedTransfer, TransferError, type TransferPart } from "./transfer-receiver.ts";

export interface Running {
  readonly generation: Generation;
  readonly digest: Uint8Array;
  /** What the sources held that it was compiled from. */
  readonly sources: SourceDigests;
}

/** Applied in place and digest-checked; exactly one of `commit` and `undo` ends it. */
export interface StagedChange {
  /** Undefined: nothing was held. */
  readonly before: Running | undefined;
  readonly next: Running;
  /** Encoded `ChangeList`s that lead from the state before to the state after. */
  readonly parts: readonly Uint8Array[];
  /** Nothing was held before: `parts` are everything. */
  readonly full: boolean;
  /** Entry points after the change, when it touches any. */
  readonly entryPoints: readonly Resource[] | undefined;
  commit(): void;
  undo(): void;
}

/** Every part passed its own checks, and the whole is still not what the control plane means. */
export class DigestMismatchError extends TransferError {
  override readonly name = "DigestMismatchError";
}

interface Staging {
  readonly undoLogs: UndoLog[];
  readonly parts: Uint8Array[];
  readonly entryPointNames: Set<string>;
  entryPointsChanged: boolean;
}

export class NodeState {
  #snapshot = new KeyedSnapshot();
  #running: Running | undefined;
  #entryPointNames: ReadonlySet<string> = new Set();
  readonly #checks: Pick<TransferChecks, "isState">;

  constructor(checks: Pick<TransferChecks, "isState"> = transferChecks) {
    this.#checks = checks;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  get size(): number {
    return this.#snapshot.size;
  }

  /** Takes a state that was kept, at boot; nothing may be held yet. */
  adopt(snapshot: KeyedSnapshot, running: Running): void {
    this.#snapshot = snapshot;
    this.#running = running;
    const names = new Set<string>();
    for (const { kind, name } of snapshot.resources()) {
      if (kind === ResourceKind.ENTRY_POINT) names.add(name);
    }
    this.#entryPointNames = names;
  }

  keys(): Iterable<ResourceKey> {
    return this.#snapshot.resources();
  }

  get(key: ResourceKey): Resource | undefined {
    return this.#snapshot.get(resourceId(key));
  }

  /** Rejects with `TransferError`, the state as it was before. */
  async stage(transfer: ReceivedTransfer): Promise<StagedChange> {
    const { base, generation } = transfer;
    if (this.#isHeld(transfer)) return nothingToDo(this.#running, transfer);
    if (base !== undefined && !isSame(base, this.#running?.generation)) {
      throw new TransferError(
        `the transfer is based on generation ${describe(base)}, this node holds ${describe(this.#running?.generation)}`,
      );
    }
    const full = this.#snapshot.size === 0;
    const staging: Staging = {
      undoLogs: [],
      parts: [],
      entryPointNames: new Set(this.#entryPointNames),
      entryPointsChanged: false,
    };
    try {
      if (base !== undefined || full) await this.#applyParts(transfer.parts, staging);
      else await this.#applyDifference(transfer.parts, staging);
      const digest = this.#snapshot.digest();
      if (!this.#checks.isState(digest, transfer.digest)) {
        throw new DigestMismatchError(
          `the digest after generation ${describe(generation)} is ${shortHex(digest)}, the control plane says ${shortHex(transfer.digest)}`,
        );
      }
    } catch (error) {
      this.#undo(staging);
      throw error;
    }
    const { digest, sources } = transfer;
    const next: Running = { generation, digest, sources };
    return {
      before: this.#running,
      next,
      parts: staging.parts,
      full,
      entryPoints: staging.entryPointsChanged
        ? this.#entryPoints(staging.entryPointNames)
        : undefined,
      commit: () => {
        this.#running = next;
        this.#entryPointNames = staging.entryPointNames;
      },
      undo: () => this.#undo(staging),
    };
  }

  /** The whole state as encoded `ChangeList`s; the state must not change meanwhile. */
  parts(): Iterable<Uint8Array> {
    return sharedParts({ upserts: this.resources(), removals: [] });
  }

  /** The resources at this moment; later changes do not show. */
  resources(): readonly Resource[] {
    return [...this.#snapshot.resources()];
  }

  /** Entry points of the committed state. */
  entryPoints(): readonly Resource[] {
    return this.#entryPoints(this.#entryPointNames);
  }

  #entryPoints(names: ReadonlySet<string>): readonly Resource[] {
    const found: Resource[] = [];
    for (const name of names) {
      const resource = this.#snapshot.get(resourceId({ kind: ResourceKind.ENTRY_POINT, name }));
      if (resource !== undefined) found.push(resource);
    }
    return found;
  }

  /** A transfer that came again because the stream broke between its commit and our status. */
  #isHeld({ generation, digest }: ReceivedTransfer): boolean {
    return (
      this.#running !== undefined &&
      isSame(generation, this.#running.generation) &&
      Buffer.compare(digest, this.#running.digest) === 0
    );
  }

  #holds(resource: Resource): boolean {
    const held = this.#snapshot.get(resourceId(resource));
    return held !== undefined && Buffer.compare(held.hash, resource.hash) === 0;
  }

  async #applyParts(parts: readonly TransferPart[], staging: Staging): Promise<void> {
    for (const { changes, delta } of parts) {
      this.#apply(delta, staging);
      staging.parts.push(changes);
      await setImmediate();
    }
  }

  async #applyDifference(parts: readonly TransferPart[], staging: Staging): Promise<void> {
    const wanted = new Set<string>();
    for (const { changes, delta } of parts) {
      for (const resource of delta.upserts) wanted.add(resourceId(resource));
      const upserts = delta.upserts.filter((resource) => !this.#holds(resource));
      if (upserts.length > 0) {
        const difference: SnapshotDelta = { upserts, removals: [] };
        this.#apply(difference, staging);
        if (upserts.length === delta.upserts.length) staging.parts.push(changes);
        else staging.parts.push(...sharedParts(difference));
      }
      await setImmediate();
    }
    const removals: ResourceKey[] = [];
    for (const { kind, name } of this.#snapshot.resources()) {
      if (!wanted.has(resourceId({ kind, name }))) removals.push({ kind, name });
    }
    if (removals.length === 0) return;
    const gone: SnapshotDelta = { upserts: [], removals };
    this.#apply(gone, staging);
    staging.parts.push(...sharedParts(gone));
  }

  #apply(delta: SnapshotDelta, staging: Staging): void {
    staging.undoLogs.push(this.#snapshot.apply(delta));
    for (const { kind, name } of delta.removals) {
      if (kind !== ResourceKind.ENTRY_POINT) continue;
      staging.entryPointNames.delete(name);
      staging.entryPointsChanged = true;
    }
    for (const { kind, name } of delta.upserts) {
      if (kind !== ResourceKind.ENTRY_POINT) continue;
      staging.entryPointNames.add(name);
      staging.entryPointsChanged = true;
    }
  }

  #undo({ undoLogs }: Staging): void {
    for (const undoLog of undoLogs.toReversed()) this.#snapshot.undo(undoLog);
  }
}

function nothingToDo(running: Running | undefined, next: Running): StagedChange {
  const { generation, digest, sources } = next;
  return {
    before: running,
    next: { generation, digest, sources },
    parts: [],
    full: false,
    entryPoints: undefined,
    commit() {},
    undo() {},
  };
}

export function isSame(a: Generation, b: Generation | undefined): boolean {
  return b !== undefined && a.fleetId === b.fleetId && compareGenerations(a, b) === 0;
}

/** As people type it; the epoch only where it says something. */
export function describe(generation: Generation | undefined): string {
  if (generation === undefined) return "nothing";
  const { epoch, number } = generation;
  return epoch === 0n ? `${number}` : `${number} (epoch ${epoch})`;
}

export function shortHex(digest: Uint8Array): string {
  return Buffer.from(digest.subarray(0, 6)).toString("hex");
}
