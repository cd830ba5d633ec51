import { ResourceBody, ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { CounterTotals, type ProcessTotals } from "../admin/counter-totals.ts";
import type { ReportedNode } from "../admin/node-pages.ts";
import type { RejectedResource } from "../worker/worker-protocol.ts";
import type { ControlPlaneContact } from "./control-plane-contact.ts";
import type { ListenerControl } from "./listener-control.ts";
import type { NodeState, Running } from "./node-state.ts";
import type { SnapshotApplier } from "./snapshot-applier.ts";
import type { WorkerLinks } from "./worker-links.ts";

export interface NodeReportInit {
  readonly state: NodeState;
  readonly applier: SnapshotApplier;
  readonly workers: WorkerLinks;
  readonly listeners: ListenerControl;
  readonly contact: ControlPlaneContact;
  readonly persistFailures: () => number;
}

/** The parts of the agent as the admin pages see them. */
export class NodeReport implements ReportedNode {
  isDraining = false;
  readonly #init: NodeReportInit;
  readonly #counters = new CounterTotals();

  constructor(init: NodeReportInit) {
    this.#init = init;
  }

  get running(): Running | undefined {
    return this.#init.state.running;
  }

  get resources(): number {
    return this.#init.state.size;
  }

  get isServing(): boolean {
    return this.#init.applier.isServing;
  }

  get boundListeners(): number {
    return this.#init.listeners.boundCount;
  }

  get workers(): number {
    return this.#init.workers.size;
  }

  get source(): "stream" | "cache" {
    return this.#init.contact.source;
  }

  get confirmedAgeMs(): number | undefined {
    return this.#init.contact.confirmedAgeMs;
  }

  get heardAgeMs(): number | undefined {
    return this.#init.contact.heardAgeMs;
  }

  get counts(): ReportedNode["counts"] {
    return { ...this.#init.applier.counts, persistFailures: this.#init.persistFailures() };
  }

  rejected(): readonly RejectedResource[] {
    return this.#init.applier.rejected();
  }

  async totals(): Promise<ProcessTotals> {
    for (const [worker, report] of await this.#init.workers.collectCounters()) {
      this.#counters.update(worker, report);
    }
    return this.#counters.totals();
  }

  serviceOf(router: string): string {
    const held = this.#init.state.get({ kind: ResourceKind.HTTP_ROUTER, name: router });
    if (held === undefined) return "";
    const { body } = ResourceBody.decode(held.payload);
    return body?.$case === "httpRouter" ? body.value.service : "";
  }

  workerStarted(worker: number): void {
    this.#counters.retire(worker);
  }

  workerStopped(worker: number): void {
    this.#counters.retire(worker);
  }
}
