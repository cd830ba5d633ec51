/** A real traffic worker thread, with this thread as its main thread and its agent. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import { bindUdpSocket } from "../../data-plane/udp/bind-udp-socket.ts";
import {
  type AgentToWorker,
  type CounterReport,
  type MainToWorker,
  openConnectionsSlot,
  type RejectedResource,
  type TrafficWorkerData,
  type WorkerToAgent,
  type WorkerToMain,
  workerColumnLength,
} from "../../data-plane/worker/worker-protocol.ts";
import { changeParts } from "./data-plane-resources.ts";

export class TrafficWorkerThread implements AsyncDisposable {
  readonly columns = new Int32Array(new SharedArrayBuffer(workerColumnLength * 4));
  readonly log: Extract<WorkerToMain, { kind: "log" }>[] = [];
  readonly thread: Worker;
  readonly #agent: MessagePort;
  readonly #servers: Server[] = [];
  #transfer = 0;
  #udpListener = 0;

  private constructor() {
    const workerData: TrafficWorkerData = {
      columns: this.columns.buffer as SharedArrayBuffer,
      index: 0,
      log: { level: "debug" },
    };
    const program = new URL("../../data-plane/worker/traffic-worker.ts", import.meta.url);
    this.thread = new Worker(program, { workerData });
    this.thread.on("message", (message: WorkerToMain) => {
      if (message.kind === "log") this.log.push(message);
    });
    const { port1, port2 } = new MessageChannel();
    this.#agent = port1;
    const message: MainToWorker = { kind: "agentPort", port: port2 };
    this.thread.postMessage(message, [port2]);
  }

  static async start(): Promise<TrafficWorkerThread> {
    const worker = new TrafficWorkerThread();
    await worker.answer("ready");
    return worker;
  }

  get openConnections(): number {
    return Atomics.load(this.columns, openConnectionsSlot);
  }

  /** A listening socket whose connections this thread hands to the worker. Returns its port. */
  async listen(entryPoint = "web"): Promise<number> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      this.handOver(entryPoint, socket);
    });
    this.#servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** A UDP socket of the worker, which serves an entry point from now on. Returns its port. */
  async listenUdp(entryPoint = "dns", host = "127.0.0.1"): Promise<number> {
    const probe = await bindUdpSocket({ host, port: 0, isShared: false });
    const { port } = probe.address();
    await new Promise<void>((resolve) => probe.close(resolve));
    this.#udpListener += 1;
    const listener = this.#udpListener;
    const opened = this.answer("udpOpened");
    this.tell({ kind: "openUdp", listener, host, port, isShared: false });
    await opened;
    this.tell({ kind: "serveUdp", listener, entryPoint });
    return port;
  }

  handOver(entryPoint: string, socket: Socket): void {
    Atomics.add(this.columns, openConnectionsSlot, 1);
    const message: MainToWorker = { kind: "connection", entryPoint, socket };
    this.thread.postMessage(message, [socket as unknown as MessagePort]);
  }

  /** Builds and switches; resolves with what was rejected. */
  async apply(
    upserts: readonly Resource[],
    { removals = [], full = false }: { removals?: readonly ResourceKey[]; full?: boolean } = {},
  ): Promise<readonly RejectedResource[]> {
    const answer = await this.build(changeParts(upserts, removals), full);
    if (answer.kind !== "built") throw new Error(`the worker answered ${JSON.stringify(answer)}`);
    this.post({ kind: "switch", transfer: this.#transfer });
    await this.#answerOf("switched");
    return answer.rejected;
  }

  async build(parts: readonly Uint8Array[], full: boolean): Promise<WorkerToAgent> {
    this.#transfer += 1;
    const transfer = this.#transfer;
    this.post({ kind: "begin", transfer, full });
    for (const changes of parts) this.post({ kind: "part", transfer, changes });
    this.post({ kind: "build", transfer });
    return this.#answerOf("built", "failed");
  }

  async collectCounters(): Promise<CounterReport> {
    this.post({ kind: "collectCounters", request: 1 });
    const answer = await this.#answerOf("counters");
    if (answer.kind !== "counters") throw new Error("no counters");
    return answer.counters;
  }

  post(message: AgentToWorker): void {
    this.#agent.postMessage(message);
  }

  tell(message: MainToWorker): void {
    this.thread.postMessage(message);
  }

  get lastUdpListener(): number {
    return this.#udpListener;
  }

  async answer(kind: WorkerToMain["kind"]): Promise<void> {
    for (;;) {
      const [message] = (await once(this.thread, "message")) as [WorkerToMain];
      if (message.kind === kind) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.close();
    this.#agent.close();
    await this.thread.terminate();
  }

  async #answerOf(...kinds: readonly WorkerToAgent["kind"][]): Promise<WorkerToAgent> {
    for (;;) {
      const [message] = (await once(this.#agent, "message")) as [WorkerToAgent];
      if (kinds.includes(message.kind)) return message;
    }
  }
}
