/**
 * Leads every change of this node through its stages, one change at a time: staged into the state and proven by digest,
 * built by all workers beside what they serve, listeners bound, switched, listeners activated, kept on disk. Until the
 * switch everything can be taken back and the old state serves; after it nothing can fail any more.
 *
 * Changes come from the stream, from last-known-good at boot, and from workers that start later and need everything.
 */
import type { MessagePort } from "node:worker_threads";
import type { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import { resourceId } from "../../config-model/snapshot/resource.ts";
import { errorText } from "../../foundation/error-text.ts";
import type { Logger } from "../../foundation/log.ts";
import { SerialQueue } from "../../foundation/serial-queue.ts";
import { Phase } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { AgentToMain, ListenerResult, RejectedResource } from "../worker/worker-protocol.ts";
import type { ListenerControl } from "./listener-control.ts";
import {
  DigestMismatchError,
  describe,
  type NodeState,
  type Running,
  type StagedChange,
} from "./node-state.ts";
import { type ReceivedTransfer, TransferError } from "./transfer-receiver.ts";
import type { WorkerLinks } from "./worker-links.ts";

/** Where a transfer stands; the stream reports it to the control plane. */
export interface PhaseReport {
  readonly transfer: Pick<ReceivedTransfer, "generation" | "beganAtMs">;
  readonly phase: Phase;
  /** Of what the node holds in this phase. */
  readonly digest: Uint8Array | undefined;
  readonly rejected?: readonly RejectedResource[];
  readonly reason?: string;
}

/** The strict rule: one resource that cannot be served refuses the whole generation. */
class RefusedGenerationError extends TransferError {
  override readonly name = "RefusedGenerationError";
  readonly rejected: readonly RejectedResource[];

  constructor(rejected: readonly RejectedResource[]) {
    const others = rejected.length > 1 ? ` and ${rejected.length - 1} more` : "";
    super(`"${rejected[0]?.name ?? ""}"${others} cannot be served: ${rejected[0]?.reason ?? ""}`);
    this.rejected = rejected;
  }
}

export interface SnapshotApplierInit {
  readonly state: NodeState;
  readonly workers: WorkerLinks;
  readonly listeners: ListenerControl;
  readonly post: (message: AgentToMain) => void;
  /** Called once a change serves. */
  readonly keep: (change: StagedChange) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class SnapshotApplier {
  readonly #init: SnapshotApplierInit;
  readonly #queue = new SerialQueue();
  #transfer = 0;
  #onConditionChange: () => void = () => {};
  #hasSwitched = false;
  readonly #firstSwitch = Promise.withResolvers<void>();
  /** For metrics. */
  readonly counts = { applied: 0, failed: 0, digestMismatches: 0 };

  constructor(init: SnapshotApplierInit) {
    this.#init = init;
  }

  /** Whether what the node holds is switched in at a worker. */
  get isServing(): boolean {
    return this.#init.workers.anyInSync && this.#hasSwitched;
  }

  /** Resolves once something has been switched in at a worker. */
  get hasServed(): Promise<void> {
    return this.#firstSwitch.promise;
  }

  /** Called whenever `rejected()` may have changed outside a transfer; replaces the listener before. */
  onConditionChange(listener: () => void): void {
    this.#onConditionChange = listener;
  }

  /** What the node holds and does not serve, each resource once. */
  rejected(): readonly RejectedResource[] {
    const { workers, listeners } = this.#init;
    const byId = new Map<string, RejectedResource>();
    for (const rejection of [...workers.rejected(), ...listeners.rejected()]) {
      const { resourceKind: kind, name } = rejection;
      byId.set(resourceId({ kind, name }), rejection);
    }
    return [...byId.values()];
  }

  /** Resolves when the transfer serves or has failed, which `report` has been told. Never rejects. */
  apply(transfer: ReceivedTransfer, report: (phase: PhaseReport) => void): Promise<void> {
    return this.#queue.run(() => this.#apply(transfer, report));
  }

  /** Takes a state that was kept, at boot: workers are fed as they start, before any control plane answers. */
  restore(snapshot: KeyedSnapshot, running: Running): void {
    const { state, log } = this.#init;
    state.adopt(snapshot, running);
    log.info("last-known-good loaded", {
      generation: describe(running.generation),
      resources: state.size,
    });
    void this.#queue.run(() => this.#feedJoining());
  }

  workerStarted(worker: number, port: MessagePort): void {
    this.#init.workers.add(worker, port);
    void this.#queue.run(() => this.#feedJoining());
  }

  workerStopped(worker: number): void {
    this.#init.workers.remove(worker);
  }

  listenerChanged(result: ListenerResult): void {
    this.#init.listeners.listenerChanged(result);
    this.#onConditionChange();
  }

  /** Something else that a status tells has changed. */
  conditionChanged(): void {
    this.#onConditionChange();
  }

  /** Runs `task` when no change is half done. */
  atRest<T>(task: () => T): Promise<T> {
    return this.#queue.run(async () => task());
  }

  async #apply(transfer: ReceivedTransfer, report: (phase: PhaseReport) => void): Promise<void> {
    const { state, log } = this.#init;
    let staged: StagedChange | undefined;
    let id: number | undefined;
    try {
      staged = await state.stage(transfer);
      const { digest } = staged.next;
      report({ transfer, phase: Phase.VALIDATED, digest });
      id = await this.#build(staged, transfer.isStrict);
      report({ transfer, phase: Phase.APPLIED, digest });
    } catch (error) {
      staged?.undo();
      this.#failed(transfer, error, report);
      return;
    }
    staged.commit();
    if (id !== undefined) await this.#switch(id);
    this.counts.applied += 1;
    const rejected = this.rejected();
    report({ transfer, phase: Phase.SERVING, digest: staged.next.digest, rejected });
    log.info("serving", {
      generation: describe(transfer.generation),
      resources: state.size,
      rejected: rejected.length,
      elapsedMs: Math.round(performance.now() - transfer.beganAtMs),
    });
    this.#init.keep(staged);
  }

  /** Resolves to the id that `#switch` takes, undefined when only the number is new; rejects with nothing switched. */
  async #build(staged: StagedChange, isStrict: boolean): Promise<number | undefined> {
    const { state, workers, listeners, signal } = this.#init;
    const entryPoints =
      staged.entryPoints ?? (listeners.isActive ? undefined : state.entryPoints());
    if (staged.parts.length === 0 && entryPoints === undefined && workers.allInSync)
      return undefined;
    this.#transfer += 1;
    const id = this.#transfer;
    const bound = entryPoints === undefined ? undefined : listeners.bind(id, entryPoints);
    const whole = staged.full ? () => staged.parts : () => state.parts();
    for (;;) {
      await workers.present(signal);
      if (signal.aborted) throw new TransferError("the data plane is stopping");
      const outcome = await workers.build(id, { parts: staged.parts, whole, onlyOutOfSync: false });
      await bound;
      // A node that serves nothing is better off with most of a generation than with none of it.
      const isDemanding = isStrict && staged.before !== undefined;
      const rejected = isDemanding && outcome.kind === "built" ? workers.rejectedByBuild() : [];
      if (outcome.kind === "built" && rejected.length === 0) return id;
      if (outcome.kind === "none") continue; // all died of something: main starts them again
      workers.abandon(id);
      listeners.abandon(id);
      if (outcome.kind === "built") throw new RefusedGenerationError(rejected);
      throw new TransferError(outcome.reason);
    }
  }

  async #switch(id: number): Promise<void> {
    const { workers, listeners, post } = this.#init;
    for (const worker of await workers.switch(id)) post({ kind: "workerServing", worker });
    listeners.activate(id);
    this.#hasSwitched = true;
    this.#firstSwitch.resolve();
  }

  /** Gives workers that started since the last change the state as it is. */
  async #feedJoining(): Promise<void> {
    const { state, workers, listeners, log } = this.#init;
    if (state.running === undefined || workers.size === 0 || workers.allInSync) return;
    this.#transfer += 1;
    const id = this.#transfer;
    const bound = listeners.isActive ? undefined : listeners.bind(id, state.entryPoints());
    const outcome = await workers.build(id, {
      parts: [],
      whole: () => state.parts(),
      onlyOutOfSync: true,
    });
    await bound;
    if (outcome.kind === "built") {
      await this.#switch(id);
      this.#onConditionChange();
      return;
    }
    workers.abandon(id);
    listeners.abandon(id);
    if (outcome.kind === "failed") {
      log.error("workers cannot serve the state this node holds", { reason: outcome.reason });
    }
  }

  #failed(transfer: ReceivedTransfer, error: unknown, report: (phase: PhaseReport) => void): void {
    const { state, log, signal } = this.#init;
    if (signal.aborted) return; // the process ends: that says nothing about the transfer
    this.counts.failed += 1;
    if (error instanceof DigestMismatchError) this.counts.digestMismatches += 1;
    const reason = errorText(error);
    log.error("transfer failed, the state before it serves on", {
      generation: describe(transfer.generation),
      serving: describe(state.running?.generation),
      reason,
    });
    const rejected = error instanceof RefusedGenerationError ? error.rejected : [];
    report({ transfer, phase: Phase.FAILED, digest: state.running?.digest, rejected, reason });
  }
}
