/**
 * Composition root of the agent thread, without the thread: the stream, the state it leads to, the workers and listeners
 * that serve it, last-known-good, and the admin pages that tell about it. The main thread is heard and told by messages.
 */

import { AdminServer } from "../../foundation/admin/admin-server.ts";
import type { Logger } from "../../foundation/log.ts";
import { sleep } from "../../foundation/sleep.ts";
import { StateDirectory } from "../../foundation/state-directory.ts";
import { nodePages } from "../admin/node-pages.ts";
import type { AgentToMain, MainToAgent } from "../worker/worker-protocol.ts";
import type { AgentOptions, AgentTiming } from "./agent-options.ts";
import { ControlPlaneContact } from "./control-plane-contact.ts";
import { countHeldObjects } from "./count-held-objects.ts";
import { followSnapshots } from "./follow-snapshots.ts";
import { LastKnownGood } from "./last-known-good/last-known-good.ts";
import { ListenerControl } from "./listener-control.ts";
import { type NodeIdentity, resolveNodeIdentity } from "./node-identity.ts";
import { NodeReport } from "./node-report.ts";
import { NodeState } from "./node-state.ts";
import { SnapshotApplier } from "./snapshot-applier.ts";
import { type TransferChecks, transferChecks } from "./transfer-checks.ts";
import { WorkerLinks } from "./worker-links.ts";

export interface AgentInit {
  readonly options: AgentOptions;
  readonly post: (message: AgentToMain) => void;
  readonly log: Logger;
  readonly timing?: Partial<AgentTiming>;
  readonly checks?: TransferChecks;
}

const defaultTiming: AgentTiming = {
  firstMessageTimeoutMs: 4_000,
  silenceTimeoutMs: 8_000,
  stallMs: 8_000,
  failedStallMs: 80_000,
  behindMs: 30_000,
  retryBaseMs: 250,
  retryMaxMs: 10_000,
  workerAnswerTimeoutMs: 60_000,
  flushIntervalMs: 1_000,
};

/** A large state takes workers longer than its node may stay away from its control plane. */
const restoredWaitMs = 1_000;

export class Agent {
  readonly #init: AgentInit;
  readonly #timing: AgentTiming;
  readonly #stop = new AbortController();
  readonly #checks: TransferChecks;
  readonly #state: NodeState;
  readonly #contact = new ControlPlaneContact(() => this.#keepConfirmation());
  readonly #workers: WorkerLinks;
  readonly #listeners: ListenerControl;
  readonly #applier: SnapshotApplier;
  readonly #report: NodeReport;
  readonly #admin: AdminServer;
  #stateDirectory: StateDirectory | undefined;
  #lastKnownGood: LastKnownGood | undefined;
  readonly #requested = Promise.withResolvers<void>();
  #following: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(init: AgentInit) {
    const { options, post, log } = init;
    this.#init = init;
    this.#timing = { ...defaultTiming, ...options.tuning?.timing, ...init.timing };
    this.#checks = init.checks ?? transferChecks;
    this.#state = new NodeState(this.#checks);
    this.#workers = new WorkerLinks({ log, answerTimeoutMs: this.#timing.workerAnswerTimeoutMs });
    this.#listeners = new ListenerControl({
      post,
      overrides: new Map(Object.entries(options.entryPointAddresses)),
    });
    this.#applier = new SnapshotApplier({
      state: this.#state,
      workers: this.#workers,
      listeners: this.#listeners,
      post,
      keep: (change) => this.#lastKnownGood?.keep(change),
      log,
      signal: this.#stop.signal,
    });
    this.#report = new NodeReport({
      state: this.#state,
      applier: this.#applier,
      workers: this.#workers,
      listeners: this.#listeners,
      contact: this.#contact,
      persistFailures: () => this.#lastKnownGood?.failures ?? 0,
    });
    const { admin, readyMaxAgeMs, routerMetrics } = options;
    this.#admin = new AdminServer({
      name: "data-plane",
      address: admin.address,
      isMovable: !admin.isRequired,
      pages: nodePages(this.#report, { readyMaxAgeMs, routerMetrics }),
      log,
    });
  }

  /** Where the admin pages are. */
  get adminAddress(): string {
    return this.#admin.address;
  }

  /** Rejects with a sentence for the operator, everything undone. */
  async start(): Promise<void> {
    const { options, post, log } = this.#init;
    const { nodeId, labels, version, stateDir } = options;
    try {
      if (stateDir !== undefined) await this.#openStateDirectory(stateDir);
      // Last-known-good comes first: gRPC takes as long to load as everything else here together.
      if (this.#state.running === undefined) void this.#loadStream();
      await this.#admin.start();
      const identity = await resolveNodeIdentity({
        nodeId,
        labels,
        version,
        stateDirectory: this.#stateDirectory,
        log,
      });
      if (options.followsOnRequest) void this.#requested.promise.then(() => this.#begin(identity));
      else this.#begin(identity);
      post({ kind: "ready" });
    } catch (error) {
      await this.#undoStart();
      throw error;
    }
  }

  receive(message: MainToAgent): void {
    switch (message.kind) {
      case "workerStarted":
        this.#report.workerStarted(message.worker);
        this.#applier.workerStarted(message.worker, message.port);
        break;
      case "workerStopped":
        this.#report.workerStopped(message.worker);
        this.#applier.workerStopped(message.worker);
        break;
      case "listenersBound":
        this.#listeners.listenersBound(message.transfer, message.results);
        break;
      case "listenerChanged":
        this.#applier.listenerChanged(message.result);
        break;
      case "follow":
        this.#requested.resolve();
        break;
      case "draining":
        this.#report.isDraining = true;
        break;
      case "stop":
        void this.stop().then(() => this.#init.post({ kind: "stopped" }));
        break;
    }
  }

  /** Ends the stream first, then whatever is half done; what serves is on disk when this resolves. Repeatable. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  #keepConfirmation(): void {
    if (this.#state.running !== undefined) this.#lastKnownGood?.confirm(this.#state.running);
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.#workers.stop();
    this.#listeners.stop();
    await this.#undoStart();
  }

  async #undoStart(): Promise<void> {
    await this.#lastKnownGood?.stop();
    await this.#admin.stop();
    await this.#stateDirectory?.release();
  }

  async #openStateDirectory(path: string): Promise<void> {
    const { log } = this.#init;
    const directory = await StateDirectory.open({ path, flag: "--state-dir" });
    this.#stateDirectory = directory;
    if (directory.problem !== undefined) {
      log.error("state directory cannot be written to, what it holds is used", {
        directory: path,
        code: directory.problem,
      });
    }
    const state = this.#state;
    const lastKnownGood = new LastKnownGood({
      directory: path,
      log,
      atRest: (task) => this.#applier.atRest(task),
      capture: () =>
        state.running === undefined
          ? undefined
          : { ...state.running, resources: state.resources() },
      onFailureChange: () => this.#applier.conditionChanged(),
      flushIntervalMs: this.#timing.flushIntervalMs,
      ...this.#init.options.tuning?.lastKnownGood,
    });
    this.#lastKnownGood = lastKnownGood;
    const loaded = await lastKnownGood.load();
    if (loaded === undefined) return;
    const { generation, digest, sources, snapshot, writtenAtMs } = loaded;
    this.#contact.restored(Math.max(0, Date.now() - writtenAtMs));
    this.#applier.restore(snapshot, { generation, digest, sources });
  }

  #loadStream(): Promise<typeof import("./grpc-snapshot-stream.ts")> {
    return import("./grpc-snapshot-stream.ts");
  }

  /** What was on disk serves first, should that not take long: this thread has to tell workers when to switch. */
  async #restored(): Promise<void> {
    const aborted = new AbortController();
    const signal = AbortSignal.any([aborted.signal, this.#stop.signal]);
    await Promise.race([this.#applier.hasServed, sleep(restoredWaitMs, signal)]);
    aborted.abort();
  }

  #begin(identity: NodeIdentity): void {
    if (!this.#stop.signal.aborted) this.#following = this.#follow(identity);
  }

  async #follow(identity: NodeIdentity): Promise<void> {
    if (this.#state.running !== undefined) await this.#restored();
    const { openSnapshotStream } = await this.#loadStream();
    if (this.#stop.signal.aborted) return;
    const { options, log } = this.#init;
    const { controlPlanes, tls, adoptFleet } = options;
    const { firstMessageTimeoutMs, silenceTimeoutMs, retryBaseMs, retryMaxMs } = this.#timing;
    const { stallMs, failedStallMs, behindMs } = this.#timing;
    const state = this.#state;
    const applier = this.#applier;
    const warning = () => {
      const failure = this.#lastKnownGood?.failure;
      return failure === undefined ? "" : `persist_failed: ${failure}`;
    };
    await followSnapshots(
      {
        addresses: controlPlanes,
        open: (address) =>
          openSnapshotStream({ address, tls, firstMessageTimeoutMs, silenceTimeoutMs }),
        node: {
          get running() {
            return state.running;
          },
          get isServing() {
            return applier.isServing;
          },
          get warning() {
            return warning();
          },
          rejected: () => applier.rejected(),
          heldObjects: () => countHeldObjects(state.keys()),
          apply: (transfer, report) => applier.apply(transfer, report),
          onConditionChange: (listener) => applier.onConditionChange(listener),
        },
        identity,
        contact: this.#contact,
        adoptFleet,
        backoff: { baseMs: retryBaseMs, maxMs: retryMaxMs },
        stallMs,
        failedStallMs,
        behindMs,
        checks: this.#checks,
        log,
      },
      this.#stop.signal,
    );
  }
}
