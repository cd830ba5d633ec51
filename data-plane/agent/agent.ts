/**
 * Composition root of the agent thread, without the thread: the stream, the state it leads to, the workers and listeners
 * that serve it. Everything it needs of the outside comes as messages.
 */
import type { Logger } from "../../foundation/log.ts";
import type { AgentToMain, MainToAgent } from "../worker/worker-protocol.ts";
import type { AgentOptions } from "./agent-options.ts";
import { ControlPlaneContact } from "./control-plane-contact.ts";
import { followSnapshots } from "./follow-snapshots.ts";
import { ListenerControl } from "./listener-control.ts";
import { NodeState } from "./node-state.ts";
import { SnapshotApplier } from "./snapshot-applier.ts";
import { openSnapshotStream } from "./snapshot-stream.ts";
import { WorkerLinks } from "./worker-links.ts";

export interface AgentInit {
  readonly options: AgentOptions;
  readonly post: (message: AgentToMain) => void;
  readonly log: Logger;
}

const backoff = { baseMs: 250, maxMs: 10_000 };
const firstMessageTimeoutMs = 4_000;
const silenceTimeoutMs = 8_000;
const stallMs = 8_000;
const behindMs = 30_000;

export class Agent {
  readonly #init: AgentInit;
  readonly #stop = new AbortController();
  readonly #contact = new ControlPlaneContact();
  readonly #state = new NodeState();
  readonly #workers: WorkerLinks;
  readonly #listeners: ListenerControl;
  readonly #applier: SnapshotApplier;
  #following: Promise<void> = Promise.resolve();

  constructor(init: AgentInit) {
    const { options, post, log } = init;
    this.#init = init;
    this.#workers = new WorkerLinks({ log });
    this.#listeners = new ListenerControl({
      post,
      overrides: new Map(Object.entries(options.entryPointAddresses)),
    });
    this.#applier = new SnapshotApplier({
      state: this.#state,
      workers: this.#workers,
      listeners: this.#listeners,
      post,
      keep: () => {},
      log,
      signal: this.#stop.signal,
    });
  }

  async start(): Promise<void> {
    const { options, post } = this.#init;
    this.#following = this.#follow(options.nodeId ?? "node", 1n);
    post({ kind: "ready" });
  }

  receive(message: MainToAgent): void {
    switch (message.kind) {
      case "workerStarted":
        this.#applier.workerStarted(message.worker, message.port);
        break;
      case "workerStopped":
        this.#applier.workerStopped(message.worker);
        break;
      case "listenersBound":
        this.#listeners.listenersBound(message.transfer, message.results);
        break;
      case "listenerChanged":
        this.#applier.listenerChanged(message.result);
        break;
      case "draining":
        break;
      case "stop":
        void this.stop();
        break;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.#workers.stop();
    this.#init.post({ kind: "stopped" });
  }

  #follow(nodeId: string, incarnation: bigint): Promise<void> {
    const { options, log } = this.#init;
    const { controlPlanes, tls, adoptFleet, labels, version } = options;
    const state = this.#state;
    const applier = this.#applier;
    return followSnapshots(
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
          rejected: () => applier.rejected(),
          apply: (transfer, report) => applier.apply(transfer, report),
          onRejectedChange: (listener) => applier.onRejectedChange(listener),
        },
        identity: { nodeId, incarnation, labels, version },
        contact: this.#contact,
        adoptFleet,
        backoff,
        stallMs,
        behindMs,
        log,
      },
      this.#stop.signal,
    );
  }
}
