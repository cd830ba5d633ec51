/** The agent against a control plane over real gRPC; main thread and workers are fakes that keep the protocol. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../data-plane/agent/agent.ts";
import type { AgentOptions } from "../../data-plane/agent/agent-options.ts";
import { Phase } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { entryPointResource, upserting } from "../support/entry-point-resource.ts";
import { digestOf, FakeControlPlane } from "../support/fake-control-plane.ts";
import { FakeMainThread } from "../support/fake-main-thread.ts";
import { routerResource } from "../support/resources.ts";
import { silentLog } from "../support/silent-log.ts";

const fleetId = "fleet-a";
const generation = (number: bigint) => ({ fleetId, epoch: 1n, number });

const baseOptions: Omit<AgentOptions, "controlPlanes"> = {
  tls: undefined,
  adoptFleet: undefined,
  nodeId: "node-1",
  labels: [{ key: "zone", value: "a" }],
  version: "1.2.3",
  stateDir: undefined,
  entryPointAddresses: {},
  admin: { address: "127.0.0.1:0", isRequired: true },
  readyMaxAgeMs: 0,
  routerMetrics: false,
  log: { level: "error", format: "json" },
};

async function startAgent(options: Partial<AgentOptions> & Pick<AgentOptions, "controlPlanes">) {
  const main = new FakeMainThread();
  const agent = new Agent({
    options: { ...baseOptions, ...options },
    post: main.fromAgent,
    log: silentLog,
  });
  main.toAgent = (message) => agent.receive(message);
  await agent.start();
  return {
    agent,
    main,
    async [Symbol.asyncDispose]() {
      await agent.stop();
      main.stop();
    },
  };
}

const firstDelta = upserting(
  entryPointResource("web"),
  routerResource("a@file"),
  routerResource("b@file"),
);

test("Agent serves the first transfer on every worker and reports each phase", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await startAgent({ controlPlanes: [controlPlane.address] });
  const workers = [node.main.startWorker(1), node.main.startWorker(2)];
  const stream = await controlPlane.stream();
  const hello = await stream.hello();
  assert.equal(hello.nodeId, "node-1");
  assert.equal(hello.running, undefined);
  stream.welcome();
  const digest = digestOf(firstDelta);
  stream.transfer({ generation: generation(1n), delta: firstDelta, digest });
  const serving = await stream.status(1n, Phase.SERVING);
  assert.deepEqual(
    stream.statuses().map(({ phase }) => phase),
    [Phase.RECEIVED, Phase.VALIDATED, Phase.APPLIED, Phase.SERVING],
  );
  assert.deepEqual(serving.digest, Buffer.from(digest));
  for (const worker of workers) assert.equal(worker.serving.size, 3);
  assert.deepEqual(node.main.kinds(), [
    "ready",
    "bindListeners",
    "workerServing",
    "workerServing",
    "activateListeners",
  ]);
});
