/** How the agent finds and keeps a control plane, over real connections. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { Phase } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { entryPointResource, upserting } from "../support/entry-point-resource.ts";
import { digestOf, FakeControlPlane } from "../support/fake-control-plane.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { routerResource } from "../support/resources.ts";
import { generation, serveFirst, TestAgent } from "../support/test-agent.ts";
import { until } from "../support/until.ts";

const first = upserting(entryPointResource("web"), routerResource("a@file"));

/** Accepts TCP and never says a word, as a stopped process does. */
async function silentPeer() {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("Agent leaves a peer that accepts TCP and stays silent for the next address", async () => {
  await using silent = await silentPeer();
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({
    options: { controlPlanes: [silent.address, controlPlane.address] },
    timing: { firstMessageTimeoutMs: 1_000 },
  });
  await serveFirst(controlPlane, first);
  assert.equal(silent.accepted, 1);
  assert.equal(node.worker(1).serving.size, 2);
});

test("Agent reconnects when a control plane falls silent in the middle", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    timing: { silenceTimeoutMs: 500 },
  });
  await serveFirst(controlPlane, first);
  const again = await controlPlane.stream(1);
  assert.equal((await again.hello()).running?.number, 1n);
});

test("Agent does not take the quiet while it applies a transfer for a dead control plane", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    timing: { silenceTimeoutMs: 500 },
    workers: 0,
  });
  const stream = await controlPlane.stream();
  stream.welcome(10);
  stream.transfer({ generation: generation(1n), delta: first, digest: digestOf(first) });
  const heartbeats = () => stream.received.filter(({ $case }) => $case === "heartbeat").length;
  await until("far more than the silence that would end the stream", () => heartbeats() >= 80);
  node.main.startWorker(1);
  await stream.status(1n, Phase.SERVING);
  assert.equal(controlPlane.streams.length, 1);
  await controlPlane.stream(1); // and watches again from then on
});

test("Agent moves to another control plane when the first drains, once the transfer under way serves", async () => {
  await using one = await new FakeControlPlane().start();
  await using two = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({
    options: { controlPlanes: [one.address, two.address] },
  });
  const stream = await one.stream();
  await stream.hello();
  stream.welcome();
  stream.transfer({ generation: generation(1n), delta: first, digest: digestOf(first) });
  stream.send({ $case: "drain", value: { reconnectAfterMs: 1, alternates: [] } });
  const moved = await two.stream();
  const hello = await moved.hello();
  assert.equal(hello.running?.number, 1n);
  await stream.status(1n, Phase.SERVING);
  moved.welcome();
  const { digest } = await moved.status(1n, Phase.SERVING);
  assert.deepEqual(digest, Buffer.from(digestOf(first)), "a new control plane learns what serves");
});

test("Agent reconnects when a heartbeat has another digest for what it holds", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({ options: { controlPlanes: [controlPlane.address] } });
  const stream = await serveFirst(controlPlane, first);
  stream.heartbeat(generation(1n), digestOf(first));
  stream.heartbeat(generation(1n), Buffer.alloc(32, 1));
  const again = await controlPlane.stream(1);
  assert.deepEqual((await again.hello()).digest, Buffer.from(digestOf(first)));
});

test("Agent reconnects when heartbeats tell of a newer generation that never comes", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    timing: { stallMs: 40 },
  });
  const stream = await serveFirst(controlPlane, first);
  const beat = setInterval(() => stream.heartbeat(generation(2n), Buffer.alloc(32)), 5);
  await controlPlane.stream(1);
  clearInterval(beat);
});

test("Agent does not take the wait after a failed transfer for a stall", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    timing: { stallMs: 10, failedStallMs: 60_000 },
  });
  const stream = await serveFirst(controlPlane, first);
  stream.transfer({ generation: generation(2n), delta: first, digest: Buffer.alloc(32) });
  await stream.status(2n, Phase.FAILED);
  let beats = 0;
  await until("many heartbeats", () => {
    stream.heartbeat(generation(2n), Buffer.alloc(32));
    beats += 1;
    return beats > 30;
  });
  stream.transfer({ generation: generation(3n), delta: first, digest: digestOf(first) });
  await stream.status(3n, Phase.SERVING);
  assert.equal(controlPlane.streams.length, 1);
});

test("Agent leaves a control plane that stays behind what it holds, when there is another", async () => {
  await using stale = await new FakeControlPlane().start();
  await using fresh = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({
    options: { controlPlanes: [stale.address, fresh.address] },
    timing: { behindMs: 40 },
  });
  const stream = await serveFirst(stale, first);
  const beat = setInterval(() => stream.heartbeat(generation(0n), Buffer.alloc(32)), 5);
  const moved = await fresh.stream();
  clearInterval(beat);
  assert.equal((await moved.hello()).running?.number, 1n);
});

test("Agent sends heartbeats with what it holds", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({ options: { controlPlanes: [controlPlane.address] } });
  const stream = await controlPlane.stream();
  stream.welcome(10);
  stream.transfer({ generation: generation(1n), delta: first, digest: digestOf(first) });
  const beat = await until("a heartbeat with generation 1", () =>
    stream.received.find(
      (message) => message.$case === "heartbeat" && message.value.generation?.number === 1n,
    ),
  );
  assert.ok(beat.$case === "heartbeat");
  assert.deepEqual(beat.value.digest, Buffer.from(digestOf(first)));
});

test("Agent keeps trying a control plane that refuses it, and says so once", async () => {
  const log = new RecordingLog();
  await using controlPlane = await new FakeControlPlane().start();
  controlPlane.onStream = ({ call }) => {
    call.emit("error", {
      code: status.PERMISSION_DENIED,
      details: "node id belongs to another group",
    });
  };
  await using _node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    log,
  });
  await controlPlane.stream(3);
  const said = log.lines.filter(({ level }) => level === "warn");
  assert.deepEqual(said, [
    {
      level: "warn",
      message: "control plane refuses this data plane, retrying",
      fields: { address: controlPlane.address, reason: "node id belongs to another group" },
    },
  ]);
});

test("Agent comes back after the control plane was gone", async () => {
  const first_ = await new FakeControlPlane().start();
  const { address } = first_;
  await using node = await TestAgent.start({ options: { controlPlanes: [address] } });
  await serveFirst(first_, first);
  first_.stop();
  assert.equal(node.worker(1).serving.size, 2);
  await using second = await new FakeControlPlane().start(address);
  assert.equal((await (await second.stream()).hello()).running?.number, 1n);
});

test("Agent follows over a Unix socket", async () => {
  const directory = await mkdtemp(join(tmpdir(), "agent-"));
  try {
    await using controlPlane = await new FakeControlPlane().start(`unix:${directory}/stream`);
    await using node = await TestAgent.start({
      options: { controlPlanes: [controlPlane.address] },
    });
    await serveFirst(controlPlane, first);
    assert.equal(node.worker(1).serving.size, 2);
  } finally {
    await rm(directory, { recursive: true });
  }
});
