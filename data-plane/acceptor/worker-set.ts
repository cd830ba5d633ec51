import type { Socket } from "node:net";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import type { Logger, LogLevel } from "../../foundation/log.ts";
import {
  type MainToWorker,
  type TrafficWorkerData,
  type UdpFromMain,
  type UdpToMain,
  type WorkerToMain,
  workerColumnLength,
} from "../worker/worker-protocol.ts";
import { WorkerChoice } from "./worker-choice.ts";

export interface WorkerSetInit {
  readonly count: number;
  /** The thread's program. */
  readonly program: URL;
  readonly logLevel: LogLevel;
  /** The agent's end of the worker's channel. */
  readonly onStarted: (worker: number, agentPort: MessagePort) => void;
  readonly onStopped: (worker: number) => void;
  /** What becomes of the UDP sockets a worker has been asked for. */
  readonly onUdp?: (worker: number, message: UdpToMain) => void;
  readonly restart: BackoffPolicy;
  readonly log: Logger;
}

interface Slot {
  thread: Worker;
  readonly drained: PromiseWithResolvers<void>;
}

/** A worker that has run this long has recovered: its next restart is at once again. */
const steadyAfterMs = 30_000;

/**
 * The traffic threads. One that dies takes its connections with it and is started again; sockets that find no serving
 * worker wait, unread, for the next one that serves.
 */
export class WorkerSet {
  readonly #init: WorkerSetInit;
  readonly #columns: SharedArrayBuffer;
  readonly #choice: WorkerChoice;
  readonly #slots = new Map<number, Slot>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #waiting: { readonly entryPoint: string; readonly socket: Socket }[] = [];
  #stopping: boolean = false;

  constructor(init: WorkerSetInit) {
    this.#init = init;
    this.#columns = new SharedArrayBuffer(init.count * workerColumnLength * 4);
    this.#choice = new WorkerChoice(new Int32Array(this.#columns));
  }

  start(): void {
    for (let worker = 0; worker < this.#init.count; worker += 1) this.#spawn(worker, 0);
  }

  /** Takes the socket over, whatever happens to it. */
  handOver(entryPoint: string, socket: Socket): void {
    const worker = this.#choice.choose();
    const slot = worker === undefined ? undefined : this.#slots.get(worker);
    if (slot === undefined) {
      if (this.#stopping) socket.destroy();
      else this.#waiting.push({ entryPoint, socket });
      return;
    }
    const message: MainToWorker = { kind: "connection", entryPoint, socket };
    // A net.Socket is transferable in this Node; its type does not say so.
    slot.thread.postMessage(message, [socket as unknown as MessagePort]);
  }

  /** The agent says that this worker holds the current state. */
  serving(worker: number): void {
    if (!this.#slots.has(worker)) return;
    this.#choice.add(worker);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { entryPoint, socket } of waiting) this.handOver(entryPoint, socket);
  }

  /** Whether or not they serve yet. */
  get running(): readonly number[] {
    return [...this.#slots.keys()];
  }

  post(worker: number, message: UdpFromMain): void {
    this.#slots.get(worker)?.thread.postMessage(message);
  }

  drainEntryPoint(entryPoint: string): void {
    for (const { thread } of this.#slots.values()) {
      thread.postMessage({ kind: "drainEntryPoint", entryPoint } satisfies MainToWorker);
    }
  }

  /** Resolves when every worker has finished its connections, each entry point within its grace. */
  async drain(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const { socket } of this.#waiting) socket.destroy();
    this.#waiting = [];
    const slots = [...this.#slots.values()];
    for (const { thread } of slots) thread.postMessage({ kind: "drain" } satisfies MainToWorker);
    await Promise.all(slots.map(({ drained }) => drained.promise));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all([...this.#slots.values()].map(({ thread }) => thread.terminate()));
  }

  #spawn(worker: number, attempt: number): void {
    const startedAtMs = performance.now();
    const workerData: TrafficWorkerData = {
      columns: this.#columns,
      index: worker,
      log: { level: this.#init.logLevel },
    };
    const thread = new Worker(this.#init.program, { workerData });
    const slot: Slot = { thread, drained: Promise.withResolvers<void>() };
    this.#slots.set(worker, slot);
    const { port1, port2 } = new MessageChannel();
    thread.postMessage({ kind: "agentPort", port: port1 } satisfies MainToWorker, [port1]);
    this.#init.onStarted(worker, port2);
    thread.on("message", (message: WorkerToMain) => {
      switch (message.kind) {
        case "ready":
          break;
        case "drained":
          slot.drained.resolve();
          break;
        case "udpOpened":
        case "udpClosed":
          this.#init.onUdp?.(worker, message);
          break;
        case "log":
          this.#init.log[message.level](message.message, { worker, ...message.fields });
          break;
      }
    });
    thread.on("error", (error) => {
      this.#init.log.error("worker failed", { worker, error });
    });
    thread.on("exit", (code) => {
      slot.drained.resolve();
      this.#slots.delete(worker);
      this.#choice.remove(worker);
      this.#init.onStopped(worker);
      if (this.#stopping) return;
      const next = performance.now() - startedAtMs > steadyAfterMs ? 0 : attempt + 1;
      this.#init.log.error("worker stopped, starting it again", { worker, code });
      const timer = setTimeout(
        () => {
          this.#restarts.delete(timer);
          this.#spawn(worker, next);
        },
        // The first restart is immediate; a worker that dies over and over must not burn a core.
        next <= 1 ? 0 : backoffDelayMs(next, this.#init.restart),
      );
      this.#restarts.add(timer);
    });
  }
}
