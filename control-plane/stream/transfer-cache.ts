import { holdsPrivateKey } from "../../config-model/snapshot/private-keys.ts";
import { type Compression, RejectionPolicy } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { CommittedState, HeldState } from "../snapshot-store/committed-state.ts";
import { SharedTransfer } from "./shared-transfer.ts";

/** Nodes of a fleet are at few different generations; more than these are served without being shared. */
const maxTransfers = 64;

/** What becomes of a generation of which a node cannot serve every resource (docs/protocol.md). */
export type RejectionRule = "isolate" | "strict";

export interface TransferCacheInit {
  readonly committed: CommittedState;
  readonly rejection?: RejectionRule | undefined;
  /** Nothing is sent of a generation that would bring a node a private key. */
  readonly withholdsKeys?: boolean | undefined;
}

/** The transfers to the newest generation, one for each state that nodes come from. */
export class TransferCache {
  readonly #committed: CommittedState;
  readonly #transfers = new Map<string, SharedTransfer>();
  readonly #rejectionPolicy: RejectionPolicy;
  readonly #withholdsKeys: boolean;
  #target: HeldState | undefined;

  constructor({ committed, rejection = "isolate", withholdsKeys = false }: TransferCacheInit) {
    this.#committed = committed;
    this.#withholdsKeys = withholdsKeys;
    this.#rejectionPolicy =
      rejection === "strict" ? RejectionPolicy.STRICT : RejectionPolicy.ISOLATE;
  }

  /**
   * To the newest generation, from `base` when that is a state this process knows, else everything. Absent while there
   * is no generation to offer, or none that may be sent.
   */
  transferFrom(base: HeldState | undefined, compression: Compression): SharedTransfer | undefined {
    const target = this.#newest();
    if (target === undefined) return undefined;
    const key = `${compression} ${base === undefined ? "full" : stateKey(base)}`;
    const kept = this.#transfers.get(key);
    if (kept !== undefined) return kept;
    const delta = base && this.#deltaFrom(base, target);
    if (base !== undefined && delta === undefined) return this.transferFrom(undefined, compression);
    const content = delta ?? this.#committed.full();
    // The compiler leaves keys out. A generation may hold some all the same: one from before the stream was insecure, or of a
    // replica that is configured otherwise.
    if (this.#withholdsKeys && content.upserts.some(holdsPrivateKey)) return undefined;
    const transfer = new SharedTransfer({
      target,
      base: base?.generation,
      delta: content,
      compression,
      rejectionPolicy: this.#rejectionPolicy,
      sources: this.#committed.head?.sources ?? new Map(),
    });
    const isShared = base === undefined || this.#transfers.size < maxTransfers;
    if (isShared) this.#transfers.set(key, transfer);
    return transfer;
  }

  #deltaFrom(base: HeldState, target: HeldState) {
    // Equal digests are equal states, however the node came to its own: it only learns the number.
    return Buffer.compare(base.digest, target.digest) === 0
      ? { upserts: [], removals: [] }
      : this.#committed.deltaSince(base);
  }

  #newest(): HeldState | undefined {
    const { generation, digest } = this.#committed.head ?? {};
    if (generation === undefined || digest === undefined) return undefined;
    if (this.#target?.generation !== generation) {
      for (const transfer of this.#transfers.values()) transfer.retire();
      this.#transfers.clear();
      this.#target = { generation, digest };
    }
    return this.#target;
  }
}

function stateKey({ generation, digest }: HeldState): string {
  const { fleetId, epoch, number } = generation;
  return `${fleetId} ${epoch} ${number} ${Buffer.from(digest).toString("hex")}`;
}
