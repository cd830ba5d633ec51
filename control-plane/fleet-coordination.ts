/**
 * What a control plane agrees on with operators, other replicas and the nodes' memory before it publishes: the mass-removal
 * guard, the notes of the store it lives in, and the census of nodes after a restore. Made by the composition root, which
 * alone knows the stages it joins.
 */

import type { ObjectKind } from "../config-model/dynamic/object-key.ts";
import { resourceId } from "../config-model/snapshot/resource.ts";
import { resourceKindOf } from "../config-model/snapshot/resource-kind.ts";
import type { Logger } from "../foundation/log.ts";
import { decodeBody, requiredObjects } from "./compiler/resource-body.ts";
import type { CountedNode } from "./guard/newer-nodes.ts";
import { NodeCensus } from "./guard/node-census.ts";
import { RemovalGuard } from "./guard/removal-guard.ts";
import type {
  NoteChange,
  SnapshotStore,
  StoreHead,
  StoreNote,
} from "./snapshot-store/snapshot-store.ts";
import type { NodeHello } from "./stream/node-hello.ts";

export interface FleetCoordinationInit {
  readonly store: SnapshotStore;
  /** `fleet.guard.removals`. */
  readonly guardPercent: number;
  /** How long nodes are asked after a restore. */
  readonly censusMs?: number | undefined;
  readonly isComplete: (provider: string) => boolean;
  readonly head: () => StoreHead | undefined;
  readonly connected: () => readonly Pick<NodeHello, "nodeId" | "held" | "heldObjects">[];
  /** What may be published may have changed. */
  readonly onChange: () => void;
  readonly log: Logger;
}

export class FleetCoordination implements Disposable {
  readonly guard: RemovalGuard;
  readonly #census: NodeCensus;
  readonly #store: SnapshotStore;
  readonly #notes = new Map<string, string>();
  #isLeading: boolean = false;

  constructor(init: FleetCoordinationInit) {
    const { store, log } = init;
    this.#store = store;
    this.#census = new NodeCensus({
      head: init.head,
      connected: () => init.connected().map(countedNode),
      onOver: init.onChange,
      log,
      ...(init.censusMs !== undefined && { waitMs: init.censusMs }),
    });
    this.guard = new RemovalGuard({
      percent: init.guardPercent,
      census: this.#census,
      requires: ({ payload }) => {
        const body = decodeBody(payload);
        return body === undefined ? [] : requiredObjects(body).flatMap(resourceIdsOf);
      },
      isRead: init.isComplete,
      writeNote: (change) => store.writeNote({ ...change, asLeader: true }),
      log,
    });
    store.onLeadership((leading) => {
      this.#isLeading = leading;
      this.#census.isLeading = leading;
    });
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  /** As the store tells. */
  onNote(note: StoreNote): void {
    const { name, text } = note;
    if (text === undefined) this.#notes.delete(name);
    else this.#notes.set(name, text);
    this.guard.onNote(name, text);
  }

  note(name: string): string | undefined {
    return this.#notes.get(name);
  }

  onHello(node: NodeHello): void {
    this.#census.hello(countedNode(node));
  }

  async writeNote(change: NoteChange): Promise<boolean> {
    return await this.#store.writeNote(change);
  }

  [Symbol.dispose](): void {
    this.#census.reset();
  }
}

/** Of the id of an object. */
function resourceIdsOf(id: string): string[] {
  const end = id.indexOf(":");
  const kind = resourceKindOf(id.slice(0, end) as ObjectKind);
  return kind === undefined ? [] : [resourceId({ kind, name: id.slice(end + 1) })];
}

function countedNode({
  nodeId,
  held,
  heldObjects,
}: Pick<NodeHello, "nodeId" | "held" | "heldObjects">): CountedNode {
  return { nodeId, held, counts: heldObjects };
}
