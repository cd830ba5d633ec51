/** The agent in its own thread, as a data plane runs it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { AgentOptions } from "../../data-plane/agent/agent-options.ts";
import type { AgentToMain } from "../../data-plane/worker/worker-protocol.ts";
import { entryPointResource, upserting } from "../support/entry-point-resource.ts";
import { FakeControlPlane } from "../support/fake-control-plane.ts";
import { FakeMainThread } from "../support/fake-main-thread.ts";
import { routerResource } from "../support/resources.ts";
import { agentOptions, serveFirst } from "../support/test-agent.ts";

/** A fake main thread that talks to a real agent thread. */
function startThread(options: AgentOptions) {
  const main = new FakeMainThread();
  const thread = new Worker(new URL("../../data-plane/agent/agent-thread.ts", import.meta.url), {
    workerData: options,
  });
  thread.on("message", (message: AgentToMain) => main.fromAgent(message));
  main.toAgent = (message) =>
    thread.postMessage(message, message.kind === "workerStarted" ? [message.port] : []);
  return {
    main,
    async [Symbol.asyncDispose]() {
      main.stop();
      await thread.terminate();
    },
  };
}

test("the agent thread serves what it is sent, and says when it has stopped", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using run = startThread(agentOptions({ controlPlanes: [controlPlane.address] }));
  const { main } = run;
  await main.next("ready");
  const workers = [main.startWorker(1), main.startWorker(2)];
  await serveFirst(controlPlane, upserting(entryPointResource("web"), routerResource("a@file")));
  for (const worker of workers) assert.equal(worker.serving.size, 2);
  main.toAgent({ kind: "stop" });
  await main.next("stopped");
});

test("the agent thread says why it cannot start", async () => {
  await using run = startThread(
    agentOptions({
      controlPlanes: ["127.0.0.1:1"],
      admin: { address: "0.0.0.0:1", isRequired: true },
    }),
  );
  const { reason } = await run.main.next("fatal");
  assert.match(reason, /^Cannot bind admin to 0\.0\.0\.0:1: beyond loopback it needs TLS/);
});
