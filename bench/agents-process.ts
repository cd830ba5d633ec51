/**
 * Data planes without listeners: `ADDRESS COUNT PREFIX`. Each is an agent on a real stream with a worker's whole state: it
 * decodes, proves the digest and builds; nothing is bound and nobody connects. Tells over IPC when the last of them has
 * served so many generations.
 */
import { MessageChannel } from "node:worker_threads";
import { Agent } from "../data-plane/agent/agent.ts";
import { type AgentToMain, workerColumnLength } from "../data-plane/worker/worker-protocol.ts";
import { WorkerTraffic } from "../data-plane/worker/worker-traffic.ts";
import type { Logger } from "../foundation/log.ts";
import { agentOptions } from "../test/support/test-agent.ts";

export interface AgentsMessage {
  /** Generations every one of them has served. */
  readonly served: number;
  /** Unix time. */
  readonly atMs: number;
}

const [address = "", count = "0", prefix = "agent"] = process.argv.slice(2);
const size = Number(count);
const served = new Array<number>(size).fill(0);

function servedOne(index: number): void {
  served[index] = (served[index] ?? 0) + 1;
  const all = Math.min(...served);
  if (all === served[index]) {
    const message: AgentsMessage = { served: all, atMs: Date.now() };
    process.send?.(message);
  }
}

async function startNode(index: number): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const traffic = new WorkerTraffic({
    data: {
      columns: new SharedArrayBuffer(workerColumnLength * 4),
      index: 0,
      log: { level: "error" },
    },
    post: () => {},
  });
  traffic.receive({ kind: "agentPort", port: port2 });
  const log: Logger = {
    debug() {},
    warn() {},
    info: (message) => {
      if (message === "serving") servedOne(index);
    },
    error: (message, fields) => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  };
  const agent: Agent = new Agent({
    options: agentOptions({ controlPlanes: [address], nodeId: `${prefix}-${index}` }),
    log,
    post: (message: AgentToMain) => {
      if (message.kind !== "bindListeners") return;
      const results = message.listeners.map(({ entryPoint, host, port }) => ({
        entryPoint,
        address: `${host}:${port}`,
      }));
      setImmediate(() =>
        agent.receive({ kind: "listenersBound", transfer: message.transfer, results }),
      );
    },
  });
  await agent.start();
  agent.receive({ kind: "workerStarted", worker: 1, port: port1 });
}

process.on("disconnect", () => process.exit());
for (let index = 0; index < size; index += 1) await startNode(index);
