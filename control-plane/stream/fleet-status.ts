/**
 * What this control plane knows of the nodes connected to it. Records are immutable values, replaced at every change, so
 * that whoever reads one may keep it.
 */
import type { SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { CommittedState, HeldState } from "../snapshot-store/committed-state.ts";
import type { NodeHello } from "./node-hello.ts";

/** A resource a node holds and does not serve. */
export interface NodeRejection {
  readonly resource: ResourceKey;
  readonly reason: string;
  /** Where an operator finds what it was made of; absent when nothing here is its source. */
  readonly source: SourcePosition | undefined;
}

/** How a transfer went on the node, in microseconds since it began there. */
export interface TransferTimings {
  readonly generation: Generation;
  readonly full: boolean;
  readonly receivedUs?: number;
  readonly validatedUs?: number;
  readonly appliedUs?: number;
  readonly servingUs?: number;
  /** From the first byte sent to the report that it serves, as seen from here. */
  readonly roundTripMs?: number;
}

export interface NodeRecord extends Omit<NodeHello, "held" | "compression"> {
  readonly address: string;
  readonly connectedAtMs: number;
  /** When it was heard last. */
  readonly heardAtMs: number;
  /** What it last said it holds. */
  readonly held: HeldState | undefined;
  /** Whether it has said on this stream that it serves what it holds. */
  readonly serving: boolean;
  readonly timings: TransferTimings | undefined;
  readonly rejected: readonly NodeRejection[];
  /** The reason of the last transfer that failed; absent once one has not. */
  readonly failure: string | undefined;
  /** What it refused a whole generation for, under the strict rule; empty once one serves. */
  readonly refused: readonly NodeRejection[];
  /** Full transfers that were sent because something was not as it had to be. */
  readonly repairs: number;
}

export interface NodeStatus extends NodeRecord {
  /** Holds the newest generation's state and serves all of it. */
  readonly inSync: boolean;
}

export interface FleetChange {
  readonly nodeId: string;
  /** Absent: it is no longer connected. */
  readonly node: NodeStatus | undefined;
}

export class FleetStatus {
  readonly #committed: CommittedState;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #listeners = new Set<(change: FleetChange) => void>();

  constructor(committed: CommittedState) {
    this.#committed = committed;
  }

  nodes(): NodeStatus[] {
    return [...this.#nodes.values()].map((record) => this.#statusOf(record));
  }

  node(nodeId: string): NodeStatus | undefined {
    const record = this.#nodes.get(nodeId);
    return record && this.#statusOf(record);
  }

  /** Called at every change of a node's record. Returns what ends it. */
  onChange(listener: (change: FleetChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The stream's side: what a node's subscriber has learned. */
  set(record: NodeRecord): void {
    this.#nodes.set(record.nodeId, record);
    if (this.#listeners.size === 0) return;
    this.#tell({ nodeId: record.nodeId, node: this.#statusOf(record) });
  }

  delete(nodeId: string): void {
    if (this.#nodes.delete(nodeId)) this.#tell({ nodeId, node: undefined });
  }

  #statusOf(record: NodeRecord): NodeStatus {
    const newest = this.#committed.head?.digest;
    const holdsNewest =
      newest !== undefined &&
      record.held !== undefined &&
      Buffer.compare(record.held.digest, newest) === 0;
    return { ...record, inSync: holdsNewest && record.serving && record.rejected.length === 0 };
  }

  #tell(change: FleetChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
