import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { Agent } from "../../data-plane/agent/agent.ts";
import type { AgentOptions, AgentTiming } from "../../data-plane/agent/agent-options.ts";
import type { TransferChecks } from "../../data-plane/agent/transfer-checks.ts";
import type { Logger } from "../../foundation/log.ts";
import { Phase } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { digestOf, type FakeControlPlane, type FakeNodeStream } from "./fake-control-plane.ts";
import { FakeMainThread } from "./fake-main-thread.ts";
import { silentLog } from "./silent-log.ts";

export interface TestAgentInit {
  readonly options: Partial<AgentOptions> & Pick<AgentOptions, "controlPlanes">;
  readonly timing?: Partial<AgentTiming>;
  readonly checks?: TransferChecks;
  readonly log?: Logger;
  /** Workers that run from the start. */
  readonly workers?: number;
}

const defaults: Omit<AgentOptions, "controlPlanes"> = {
  tls: undefined,
  followsOnRequest: false,
  adoptFleet: undefined,
  nodeId: "node-1",
  labels: [{ key: "zone", value: "a" }],
  version: "1.2.3",
  stateDir: undefined,
  entryPointAddresses: {},
  admin: { address: "127.0.0.1:0", isRequired: true },
  readyMaxAgeMs: 0,
  routerMetrics: false,
  logLevel: "error",
};

export function agentOptions(
  options: Partial<AgentOptions> & Pick<AgentOptions, "controlPlanes">,
): AgentOptions {
  return { ...defaults, ...options };
}

/** An agent with a fake main thread and fake workers. Retries are fast. */
export class TestAgent implements AsyncDisposable {
  readonly main = new FakeMainThread();
  readonly agent: Agent;

  private constructor({ options, timing, checks, log = silentLog }: TestAgentInit) {
    this.agent = new Agent({
      options: agentOptions(options),
      post: this.main.fromAgent,
      log,
      ...(checks && { checks }),
      timing: { retryBaseMs: 5, retryMaxMs: 20, flushIntervalMs: 0, ...timing },
    });
    this.main.toAgent = (message) => this.agent.receive(message);
  }

  static async start(init: TestAgentInit): Promise<TestAgent> {
    const node = new TestAgent(init);
    await node.agent.start();
    for (let worker = 1; worker <= (init.workers ?? 1); worker += 1) node.main.startWorker(worker);
    return node;
  }

  worker(id: number) {
    const worker = this.main.workers.get(id);
    if (worker === undefined) throw new Error(`no worker ${id} runs`);
    return worker;
  }

  async admin(path: string, headers: Record<string, string> = {}) {
    const response = await fetch(`http://${this.agent.adminAddress}${path}`, { headers });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    this.main.stop();
  }
}

export const fleetId = "fleet-a";

export function generation(number: bigint, epoch = 1n) {
  return { fleetId, epoch, number };
}

/** Welcomes the node and brings it to generation 1. */
export async function serveFirst(
  controlPlane: FakeControlPlane,
  delta: SnapshotDelta,
  index = 0,
): Promise<FakeNodeStream> {
  const stream = await controlPlane.stream(index);
  await stream.hello();
  stream.welcome();
  stream.transfer({ generation: generation(1n), delta, digest: digestOf(delta) });
  await stream.status(1n, Phase.SERVING);
  return stream;
}
