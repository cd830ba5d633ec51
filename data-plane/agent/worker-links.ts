/**
 * The traffic workers as the agent sees them. A worker is in sync when it serves what the agent holds; one that has just
 * started, or could not follow, is sent the whole state with the next change. A worker that dies is no reason to fail:
 * main restarts it and it comes back as a new one.
 */
import type { MessagePort } from "node:worker_threads";
import { resourceId } from "../../config-model/snapshot/resource.ts";
import type { Logger } from "../../foundation/log.ts";
import type { CounterReport, RejectedResource } from "../worker/worker-protocol.ts";
import { WorkerLink } from "./worker-link.ts";

export interface WorkerLinksInit {
  readonly log: Logger;
  /** How long a worker may take to build or switch. */
  readonly answerTimeoutMs?: number;
  readonly countersTimeoutMs?: number;
}

export interface WorkerChange {
  /** What leads from the state before to the state after. */
  readonly parts: readonly Uint8Array[];
  /** The whole state after, for workers that are not in sync; asked for only when there are any. */
  readonly whole: () => Iterable<Uint8Array>;
  /** Leave those alone that are in sync already. */
  readonly onlyOutOfSync: boolean;
}

/** `none`: no worker is left that has built. */
export type BuildOutcome =
  | { readonly kind: "built" }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly reason: string };

export class WorkerLinks {
  readonly #init: WorkerLinksInit;
  readonly #links = new Map<number, WorkerLink>();
  /** Takes part in the transfer that is under way. */
  #asked: readonly WorkerLink[] = [];
  /** Built for the transfer that is under way, with what they reject. */
  #built = new Map<WorkerLink, readonly RejectedResource[]>();
  #onArrival: (() => void) | undefined;

  constructor(init: WorkerLinksInit) {
    this.#init = init;
  }

  get size(): number {
    return this.#open().length;
  }

  /** Whether there are workers and all of them serve what the agent holds. */
  get allInSync(): boolean {
    return this.size > 0 && this.#open().every((link) => link.inSync);
  }

  get anyInSync(): boolean {
    return this.#open().some((link) => link.inSync);
  }

  add(worker: number, port: MessagePort): void {
    this.#links.get(worker)?.close();
    const { answerTimeoutMs = 60_000, countersTimeoutMs = 1_000 } = this.#init;
    this.#links.set(worker, new WorkerLink({ worker, port, answerTimeoutMs, countersTimeoutMs }));
    this.#onArrival?.();
  }

  remove(worker: number): void {
    this.#links.get(worker)?.close();
    this.#links.delete(worker);
  }

  /** Resolves once there is a worker, or `signal` aborts. */
  async present(signal: AbortSignal): Promise<void> {
    while (this.size === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#onArrival = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Sends the change to the workers and waits until each has built it, failed or gone. */
  async build(transfer: number, change: WorkerChange): Promise<BuildOutcome> {
    const asked = this.#open()
      .filter((link) => !(change.onlyOutOfSync && link.inSync))
      .map((link) => ({ link, following: link.inSync }));
    this.#asked = asked.map(({ link }) => link);
    this.#built = new Map();
    this.#send(transfer, change);
    const refusals: { following: boolean; worker: number; reason: string }[] = [];
    await Promise.all(
      asked.map(async ({ link, following }) => {
        const answer = await link.build(transfer);
        if (answer.kind === "built") this.#built.set(link, answer.rejected);
        else if (answer.kind !== "gone") {
          const { worker } = link;
          const late = `worker ${worker} did not answer in time`;
          refusals.push({
            following,
            worker,
            reason: answer.kind === "failed" ? answer.reason : late,
          });
        }
      }),
    );
    // A worker that was not in sync keeps nobody from what the others have built.
    const decisive =
      refusals.find(({ following }) => following) ??
      (this.#built.size === 0 ? refusals[0] : undefined);
    if (decisive !== undefined) return { kind: "failed", reason: decisive.reason };
    for (const { worker, reason } of refusals) {
      this.#init.log.error("worker cannot join", { worker, reason });
    }
    return { kind: this.#built.size > 0 ? "built" : "none" };
  }

  /** After `build` said built: everybody that built switches. Resolves to the workers that joined by it. */
  async switch(transfer: number): Promise<number[]> {
    const joined: number[] = [];
    await Promise.all(
      [...this.#built].map(async ([link, rejected]) => {
        const answer = await link.switch(transfer);
        if (answer.kind === "gone") return;
        if (answer.kind === "silent") {
          // It was told to switch and will when it wakes up; main gives it no connections meanwhile.
          this.#init.log.error("worker has not switched in time", { worker: link.worker });
        }
        link.rejected = rejected;
        if (!link.inSync) joined.push(link.worker);
        link.inSync = link.isOpen;
      }),
    );
    // Whoever took part and did not build drops what it was sent: it is sent everything next time.
    for (const link of this.#asked) if (!this.#built.has(link)) link.abandon(transfer);
    this.#built = new Map();
    return joined;
  }

  abandon(transfer: number): void {
    for (const link of this.#asked) link.abandon(transfer);
    this.#built = new Map();
  }

  /** After `build` said built: what would be held and not served once switched, each resource once. */
  rejectedByBuild(): readonly RejectedResource[] {
    const byId = new Map<string, RejectedResource>();
    for (const rejection of [...this.#built.values()].flat()) {
      byId.set(resourceId({ kind: rejection.resourceKind, name: rejection.name }), rejection);
    }
    return [...byId.values()];
  }

  /** What any worker in sync holds and does not serve. */
  rejected(): readonly RejectedResource[] {
    return this.#open().flatMap((link) => (link.inSync ? link.rejected : []));
  }

  /** By worker; one that does not answer in time is left out. */
  async collectCounters(): Promise<ReadonlyMap<number, CounterReport>> {
    const reports = new Map<number, CounterReport>();
    await Promise.all(
      this.#open().map(async (link) => {
        const report = await link.collectCounters();
        if (report !== undefined) reports.set(link.worker, report);
      }),
    );
    return reports;
  }

  stop(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #send(transfer: number, { parts, whole }: WorkerChange): void {
    const following = this.#asked.filter((link) => link.inSync);
    const joining = this.#asked.filter((link) => !link.inSync);
    for (const link of this.#asked) link.begin(transfer, !link.inSync);
    for (const part of parts) for (const link of following) link.part(transfer, part);
    if (joining.length === 0) return;
    for (const part of whole()) for (const link of joining) link.part(transfer, part);
  }

  #open(): WorkerLink[] {
    return [...this.#links.values()].filter((link) => link.isOpen);
  }
}
