/** The agent's thread: hands messages of the main thread to an `Agent` and its own back. */
import { parentPort, workerData } from "node:worker_threads";
import { errorText } from "../../foundation/error-text.ts";
import { forwardingLog } from "../../foundation/forwarding-log.ts";
import { keepCompileCache } from "../../foundation/keep-compile-cache.ts";
import type { AgentToMain, MainToAgent } from "../worker/worker-protocol.ts";
import { Agent } from "./agent.ts";
import type { AgentOptions } from "./agent-options.ts";

if (parentPort === null) throw new Error("Cannot run the agent: this is not a worker thread");
keepCompileCache();
const port = parentPort;
const post = (message: AgentToMain) => port.postMessage(message);
const options: AgentOptions = workerData;
const agent = new Agent({ options, post, log: forwardingLog(options.logLevel, post) });
port.on("message", (message: MainToAgent) => agent.receive(message));
agent.start().catch((error: unknown) => {
  post({ kind: "fatal", reason: errorText(error) });
});
