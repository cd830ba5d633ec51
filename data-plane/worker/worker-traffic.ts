/** What a traffic thread does: takes sockets from the main thread and serves them with the state the agent gives it. */
import type { Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import { errorText } from "../../foundation/error-text.ts";
import { forwardingLog } from "../../foundation/forwarding-log.ts";
import type { Logger } from "../../foundation/log.ts";
import { monotonicMs } from "../../foundation/monotonic-ms.ts";
import type { ServedEntryPoint } from "../builder/live-state.ts";
import { NodeTransport } from "../builder/node-transport.ts";
import { WorkerState } from "../builder/worker-state.ts";
import { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import { EntryPointSet } from "../entry-point/entry-point-set.ts";
import { CounterRegistry } from "../metrics/counter-registry.ts";
import { UdpEntryPoints } from "../udp/udp-entry-points.ts";
import { UpstreamServer } from "../upstream/upstream-server.ts";
import {
  type AgentToWorker,
  heartbeatSlot,
  type MainToWorker,
  openConnectionsSlot,
  type TrafficWorkerData,
  type WorkerToAgent,
  type WorkerToMain,
  workerColumnLength,
  workerHeartbeatMs,
} from "./worker-protocol.ts";

export interface WorkerTrafficInit {
  readonly data: TrafficWorkerData;
  readonly post: (message: WorkerToMain) => void;
}

export class WorkerTraffic {
  readonly #post: (message: WorkerToMain) => void;
  readonly #columns: Int32Array;
  readonly #firstSlot: number;
  readonly #log: Logger;
  readonly #counters = new CounterRegistry();
  readonly #entryPoints: EntryPointSet;
  readonly #udp: UdpEntryPoints;
  readonly #state: WorkerState;
  #agent: MessagePort | undefined;

  constructor({ data, post }: WorkerTrafficInit) {
    this.#post = post;
    this.#columns = new Int32Array(data.columns);
    this.#firstSlot = data.index * workerColumnLength;
    this.#log = forwardingLog(data.log.level, post);
    const sweeper = new DeadlineSweeper();
    const transport = new NodeTransport();
    this.#entryPoints = new EntryPointSet({
      counters: this.#counters.entryPoints,
      openConnections: this.#counters.openConnections,
      sweeper,
      log: this.#log,
    });
    this.#udp = new UdpEntryPoints({ counters: this.#counters.udp, post, log: this.#log });
    this.#state = new WorkerState({
      makeUpstream: (server, { passHostHeader }) =>
        new UpstreamServer({ ...server, passHostHeader, transport: transport.http, sweeper }),
      transport,
      counters: this.#counters,
      entryPoints: {
        put: (served) => this.#putEntryPoint(served),
        remove: (name) => {
          this.#entryPoints.remove(name);
          this.#udp.remove(name);
        },
      },
      log: this.#log,
    });
  }

  start(): void {
    this.#beat();
    setInterval(() => this.#beat(), workerHeartbeatMs);
    this.#post({ kind: "ready" });
  }

  receive(message: MainToWorker): void {
    switch (message.kind) {
      case "agentPort":
        this.#agent = message.port;
        message.port.on("message", (request: AgentToWorker) => this.#receiveFromAgent(request));
        return;
      case "connection":
        this.#accept(message.entryPoint, message.socket);
        return;
      case "drainEntryPoint":
        void this.#entryPoints.drain(message.entryPoint);
        return;
      case "drain":
        void this.#drain();
        return;
      case "openUdp":
      case "serveUdp":
      case "endUdp":
      case "closeUdp":
        this.#udp.receive(message);
    }
  }

  async #drain(): Promise<void> {
    await Promise.all([this.#entryPoints.drainAll(), this.#udp.drainAll()]);
    this.#post({ kind: "drained" });
  }

  /** One that changes its protocol leaves the other's. */
  #putEntryPoint(served: ServedEntryPoint): void {
    const { name, settings } = served.plan;
    const [sink, other] =
      settings.udp === undefined ? [this.#entryPoints, this.#udp] : [this.#udp, this.#entryPoints];
    other.remove(name);
    sink.put(served);
  }

  #accept(entryPoint: string, socket: Socket): void {
    // The main thread has counted it in when it handed it over.
    socket.once("close", () => {
      Atomics.sub(this.#columns, this.#firstSlot + openConnectionsSlot, 1);
    });
    try {
      this.#entryPoints.accept(entryPoint, socket);
    } catch (error) {
      this.#log.error("connection handler threw", { entryPoint, error });
      socket.destroy();
    }
  }

  #receiveFromAgent(message: AgentToWorker): void {
    switch (message.kind) {
      case "begin":
        this.#state.begin(message.full);
        return;
      case "part":
        this.#state.addPart(message.changes);
        return;
      case "build":
        void this.#build(message.transfer);
        return;
      case "switch":
        void this.#state.switch();
        this.#udp.switched();
        this.#answer({ kind: "switched", transfer: message.transfer });
        return;
      case "abandon":
        this.#state.abandon();
        return;
      case "collectCounters":
        this.#answer({
          kind: "counters",
          request: message.request,
          counters: this.#counters.report(),
        });
    }
  }

  async #build(transfer: number): Promise<void> {
    try {
      const rejected = await this.#state.build();
      if (rejected !== undefined) this.#answer({ kind: "built", transfer, rejected });
    } catch (error) {
      this.#state.abandon();
      const reason = errorText(error);
      this.#log.error("cannot build transfer", { transfer, error });
      this.#answer({ kind: "failed", transfer, reason });
    }
  }

  #answer(message: WorkerToAgent): void {
    this.#agent?.postMessage(message);
  }

  #beat(): void {
    Atomics.store(this.#columns, this.#firstSlot + heartbeatSlot, monotonicMs());
  }
}
