import type { AgentToMain, MainToAgent } from "../../data-plane/worker/worker-protocol.ts";
import { FakeTrafficWorker, type FakeWorkerBehaviour } from "./fake-traffic-worker.ts";
import { until } from "./until.ts";

/** The main thread as the agent sees it: binds nothing, but answers as if, and starts workers. */
export class FakeMainThread {
  readonly seen: AgentToMain[] = [];
  readonly workers = new Map<number, FakeTrafficWorker>();
  /** Error for an entry point that cannot be bound. */
  bindError: (entryPoint: string) => string | undefined = () => undefined;
  /** Where messages to the agent go. */
  toAgent: (message: MainToAgent) => void = () => {};
  readonly #changes: (() => void)[] = [];

  readonly fromAgent = (message: AgentToMain): void => {
    this.seen.push(message);
    if (message.kind === "bindListeners") {
      const results = message.listeners.map(({ entryPoint, host, port }) => {
        const error = this.bindError(entryPoint);
        return error === undefined
          ? { entryPoint, address: `${host}:${port}` }
          : { entryPoint, error };
      });
      setImmediate(() =>
        this.toAgent({ kind: "listenersBound", transfer: message.transfer, results }),
      );
    }
    for (const change of this.#changes.splice(0)) change();
  };

  startWorker(worker: number, behaviour: FakeWorkerBehaviour = {}): FakeTrafficWorker {
    const fake = new FakeTrafficWorker(behaviour);
    this.workers.set(worker, fake);
    this.toAgent({ kind: "workerStarted", worker, port: fake.agentPort });
    return fake;
  }

  killWorker(worker: number): void {
    this.workers.get(worker)?.kill();
    this.workers.delete(worker);
    this.toAgent({ kind: "workerStopped", worker });
  }

  /** Resolves to the first message of that kind, past or to come. */
  async next<Kind extends AgentToMain["kind"]>(
    kind: Kind,
    where: (message: Extract<AgentToMain, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<AgentToMain, { kind: Kind }>> {
    return until(`message "${kind}" of the agent`, () => {
      for (const message of this.seen) {
        if (message.kind !== kind) continue;
        const found = message as Extract<AgentToMain, { kind: Kind }>;
        if (where(found)) return found;
      }
      return undefined;
    });
  }

  kinds(): AgentToMain["kind"][] {
    return this.seen.map(({ kind }) => kind);
  }

  stop(): void {
    for (const worker of this.workers.values()) worker.kill();
  }
}
