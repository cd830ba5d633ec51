/**
 * A store that was restored from a backup holds less than the nodes do that followed it. Whoever leads finds out by what
 * nodes say in their hellos: then nothing is committed for a while in which nodes tell what they hold, and the next
 * generation goes beyond what at least half of them have, in an epoch of its own. One node alone, or a few, that claim
 * more than the others change nothing: they stay refused, and serve what they hold.
 */
import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";
import type { Logger } from "../../foundation/log.ts";
import type { StoreHead } from "../snapshot-store/snapshot-store.ts";
import { type CountedNode, type NewerNodes, newerThan } from "./newer-nodes.ts";

export interface NodeCensusInit {
  readonly head: () => StoreHead | undefined;
  /** Nodes with a stream open here. */
  readonly connected: () => readonly CountedNode[];
  /** A census is over: what may be committed may have changed. */
  readonly onOver: () => void;
  readonly log: Logger;
  readonly waitMs?: number;
}

const defaultWaitMs = 10_000;

type State =
  | { readonly kind: "quiet" }
  | { readonly kind: "counting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "found"; readonly newer: NewerNodes };

export class NodeCensus {
  readonly #init: NodeCensusInit;
  /** Nodes that have said hello since the census began, refused ones too. */
  readonly #heard = new Map<string, CountedNode>();
  #state: State = { kind: "quiet" };
  #isLeading: boolean = false;

  constructor(init: NodeCensusInit) {
    this.#init = init;
  }

  /** Nothing may be committed before it is known where. */
  get isCounting(): boolean {
    return this.#state.kind === "counting";
  }

  /** Absent: the next generation is the next number. */
  get newer(): NewerNodes | undefined {
    return this.#state.kind === "found" ? this.#state.newer : undefined;
  }

  set isLeading(leading: boolean) {
    this.#isLeading = leading;
    if (!leading) this.reset();
  }

  hello(node: CountedNode): void {
    if (!this.#isLeading || this.#state.kind === "found") return;
    const { log, waitMs = defaultWaitMs } = this.#init;
    if (this.#state.kind === "counting") {
      this.#heard.set(node.nodeId, node);
      return;
    }
    if (!this.#isAhead(node.held?.generation)) return;
    this.#heard.set(node.nodeId, node);
    log.error(
      "a data plane holds more than this store, which was restored from a backup: nodes are asked",
      {
        node: node.nodeId,
        holds: node.held?.generation.number,
        newest: this.#init.head()?.generation?.number ?? 0n,
        waitMs,
      },
    );
    this.#state = { kind: "counting", timer: setTimeout(() => this.#decide(), waitMs) };
  }

  /** Committed there, or the store is another one. */
  reset(): void {
    if (this.#state.kind === "counting") clearTimeout(this.#state.timer);
    this.#state = { kind: "quiet" };
    this.#heard.clear();
  }

  #isAhead(held: Generation | undefined): held is Generation {
    const head = this.#init.head();
    if (held === undefined || head === undefined || held.fleetId !== head.fleetId) return false;
    return head.generation === undefined || compareGenerations(held, head.generation) > 0;
  }

  #decide(): void {
    const nodes = new Map(this.#init.connected().map((node) => [node.nodeId, node]));
    for (const [nodeId, node] of this.#heard) nodes.set(nodeId, node);
    this.reset();
    const newer = newerThan(this.#init.head(), [...nodes.values()]);
    const { log } = this.#init;
    if (newer === undefined) {
      log.warn("fewer than half of the data planes hold more than this store: it stays as it is", {
        nodes: nodes.size,
      });
    } else {
      this.#state = { kind: "found", newer };
      log.warn("the next generation goes beyond what data planes hold", {
        nodes: nodes.size,
        epoch: newer.at.epoch,
        number: newer.at.number,
      });
    }
    this.#init.onOver();
  }
}
