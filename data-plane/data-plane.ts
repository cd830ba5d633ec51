/**
 * A data plane: composition root of its process. The main thread accepts connections and hands them to the workers; the
 * agent thread holds the verified state and tells both what to do.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type MessagePort, Worker } from "node:worker_threads";
import type { Logger } from "../foundation/log.ts";
import { ListenerSet } from "./acceptor/listener-set.ts";
import { UdpListeners } from "./acceptor/udp-listeners.ts";
import { WorkerSet } from "./acceptor/worker-set.ts";
import type { AgentOptions } from "./agent/agent-options.ts";
import type { AgentToMain, ListenerResult, MainToAgent } from "./worker/worker-protocol.ts";

export interface DataPlaneInit {
  readonly agent: AgentOptions;
  readonly workers: number;
  /** An entry point of the first generation that cannot be bound ends the process instead of being retried. */
  readonly isFirstBindRequired: boolean;
  readonly log: Logger;
}

const retry = { baseMs: 1_000, maxMs: 10_000 };
const agentStopTimeoutMs = 5_000;
const restart = { baseMs: 100, maxMs: 5_000 };

/** The data plane cannot run (any longer): the message is for the operator. */
class DataPlaneFailedError extends Error {
  override readonly name = "DataPlaneFailedError";
}

export class DataPlane {
  readonly #init: DataPlaneInit;
  readonly #agent: Worker;
  readonly #workers: WorkerSet;
  readonly #udp: UdpListeners;
  readonly #listeners: ListenerSet;
  readonly #ready = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #agentStopped = Promise.withResolvers<void>();
  #isFirstBind: boolean = true;
  #stopped: Promise<void> | undefined;

  /** The agent's thread loads from here on, while the caller goes on. */
  constructor(init: DataPlaneInit) {
    this.#init = init;
    const { log } = init;
    this.#workers = new WorkerSet({
      count: init.workers,
      program: new URL("./worker/traffic-worker.ts", import.meta.url),
      logLevel: init.agent.logLevel,
      onStarted: (worker, port) => this.#post({ kind: "workerStarted", worker, port }, port),
      onStopped: (worker) => {
        this.#udp.workerStopped(worker);
        this.#post({ kind: "workerStopped", worker });
      },
      onUdp: (worker, message) => this.#udp.answered(worker, message),
      restart,
      log,
    });
    this.#udp = new UdpListeners({ workers: this.#workers, canShare: init.workers > 1, log });
    this.#listeners = new ListenerSet({
      onConnection: (entryPoint, socket) => this.#workers.handOver(entryPoint, socket),
      createUdpListener: (place) => this.#udp.create(place),
      onRemoved: (entryPoint) => this.#workers.drainEntryPoint(entryPoint),
      onChanged: (result) => this.#post({ kind: "listenerChanged", result }),
      retry,
      log,
    });
    this.#agent = new Worker(new URL("./agent/agent-thread.ts", import.meta.url), {
      workerData: init.agent,
    });
    this.#agent.on("message", (message: AgentToMain) => this.#receive(message));
    this.#agent.on("error", (error: Error) => this.#fail(`the agent failed: ${error.message}`));
    this.#agent.on("exit", () => {
      this.#agentStopped.resolve();
      if (this.#stopped === undefined) this.#fail("the agent ended unexpectedly");
    });
    // Whoever waits for `failed` learns of it; nobody has to.
    this.#failed.promise.catch(() => {});
  }

  /** Not part of the constructor, because whoever starts other threads beside them may want those to load first. */
  startWorkers(): void {
    if (this.#stopped === undefined) this.#workers.start();
  }

  /** Resolves when the agent runs and its admin listener is bound; rejects with `DataPlaneFailedError`. */
  get ready(): Promise<void> {
    return Promise.race([this.#ready.promise, this.#failed.promise]);
  }

  /** With `followsOnRequest`: the control plane runs. */
  follow(): void {
    this.#post({ kind: "follow" });
  }

  /** Never resolves; rejects with `DataPlaneFailedError` when the data plane cannot go on. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Not ready from now on, accepting ends, what is open finishes within each entry point's grace, then all threads end.
   * Repeatable.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  async #drain(): Promise<void> {
    this.#post({ kind: "draining" });
    await this.#listeners.drain();
    await this.#workers.drain();
    this.#post({ kind: "stop" });
    // An agent that hangs must not keep the process.
    await Promise.race([
      this.#agentStopped.promise,
      delay(agentStopTimeoutMs, undefined, { ref: false }),
    ]);
    await Promise.all([this.#agent.terminate(), this.#workers.stop()]);
  }

  #receive(message: AgentToMain): void {
    switch (message.kind) {
      case "ready":
        this.#ready.resolve();
        break;
      case "bindListeners":
        void this.#bind(message.transfer, message.listeners);
        break;
      case "activateListeners":
        this.#listeners.activate();
        break;
      case "abandonListeners":
        this.#listeners.abandon();
        break;
      case "workerServing":
        this.#workers.serving(message.worker);
        this.#udp.workerServing(message.worker);
        break;
      case "stopped":
        this.#agentStopped.resolve();
        break;
      case "log":
        this.#init.log[message.level](message.message, message.fields);
        break;
      case "fatal":
        this.#fail(message.reason);
        break;
    }
  }

  async #bind(
    transfer: number,
    wishes: Extract<AgentToMain, { kind: "bindListeners" }>["listeners"],
  ): Promise<void> {
    // Nothing is bound any more once the process drains.
    const results = this.#stopped === undefined ? await this.#listeners.prepare(wishes) : [];
    const isFirst = this.#isFirstBind;
    this.#isFirstBind = false;
    if (isFirst && this.#init.isFirstBindRequired) this.#requireBound(results);
    this.#post({ kind: "listenersBound", transfer, results });
  }

  #requireBound(results: readonly ListenerResult[]): void {
    const error = results.find((result) => result.error !== undefined)?.error;
    if (error !== undefined) this.#fail(error);
  }

  #post(message: MainToAgent, port?: MessagePort): void {
    this.#agent.postMessage(message, port === undefined ? [] : [port]);
  }

  #fail(reason: string): void {
    this.#failed.reject(new DataPlaneFailedError(reason));
  }
}
