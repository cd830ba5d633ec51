import { MessageChannel, type MessagePort } from "node:worker_threads";
import { decodeChangeList } from "../../config-model/snapshot/change-list-codec.ts";
import { type Resource, resourceId } from "../../config-model/snapshot/resource.ts";
import type {
  AgentToWorker,
  CounterReport,
  RejectedResource,
  WorkerToAgent,
} from "../../data-plane/worker/worker-protocol.ts";

export interface FakeWorkerBehaviour {
  /** Reason to reject a resource. */
  rejects?: (resource: Resource) => string | undefined;
  /** Every build fails with this. */
  failure?: string | undefined;
  /** Ends instead of answering this. */
  diesOn?: AgentToWorker["kind"];
  /** Never answers builds. */
  hangs?: boolean;
  counters?: CounterReport;
}

/** A worker without traffic: keeps the protocol and a copy of the state, so that a test can ask what it would serve. */
export class FakeTrafficWorker {
  /** The end to give to the agent. */
  readonly agentPort: MessagePort;
  readonly seen: AgentToWorker[] = [];
  /** What it serves, by resource id. */
  serving: ReadonlyMap<string, Resource> = new Map();
  switches = 0;
  readonly behaviour: FakeWorkerBehaviour;
  readonly #port: MessagePort;
  #next = new Map<string, Resource>();

  constructor(behaviour: FakeWorkerBehaviour = {}) {
    this.behaviour = behaviour;
    const { port1, port2 } = new MessageChannel();
    this.agentPort = port1;
    this.#port = port2;
    port2.on("message", (message: AgentToWorker) => this.#receive(message));
  }

  kill(): void {
    this.#port.close();
  }

  #receive(message: AgentToWorker): void {
    this.seen.push(message);
    if (message.kind === this.behaviour.diesOn) {
      this.kill();
      return;
    }
    switch (message.kind) {
      case "begin":
        this.#next = new Map(message.full ? [] : this.serving);
        return;
      case "part": {
        const { upserts, removals } = decodeChangeList(message.changes);
        for (const resource of upserts) this.#next.set(resourceId(resource), resource);
        for (const key of removals) this.#next.delete(resourceId(key));
        return;
      }
      case "build":
        this.#build(message.transfer);
        return;
      case "switch":
        this.serving = this.#next;
        this.switches += 1;
        this.#post({ kind: "switched", transfer: message.transfer });
        return;
      case "abandon":
        this.#next = new Map();
        return;
      case "collectCounters": {
        const none = { entryPoints: [], routers: [], services: [], udp: [], openConnections: [] };
        const counters = this.behaviour.counters ?? none;
        this.#post({ kind: "counters", request: message.request, counters });
        return;
      }
    }
  }

  #build(transfer: number): void {
    const { failure, hangs, rejects } = this.behaviour;
    if (hangs === true) return;
    if (failure !== undefined) {
      this.#post({ kind: "failed", transfer, reason: failure });
      return;
    }
    const rejected: RejectedResource[] = [];
    for (const resource of this.#next.values()) {
      const reason = rejects?.(resource);
      if (reason !== undefined) {
        rejected.push({ resourceKind: resource.kind, name: resource.name, reason });
      }
    }
    this.#post({ kind: "built", transfer, rejected });
  }

  #post(message: WorkerToAgent): void {
    this.#port.postMessage(message);
  }
}
