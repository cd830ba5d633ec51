/** The agent against a control plane over real gRPC; main thread and workers are fakes that keep the protocol. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, zstdCompressSync } from "node:zlib";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import {
  Compression,
  Phase,
  type Rejection,
  TransferChunk,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { entryPointResource, upserting } from "../support/entry-point-resource.ts";
import { digestOf, FakeControlPlane, transferMessages } from "../support/fake-control-plane.ts";
import { routerResource } from "../support/resources.ts";
import { generation, serveFirst, TestAgent } from "../support/test-agent.ts";
import { until } from "../support/until.ts";

const router = ResourceKind.HTTP_ROUTER;
const first = upserting(
  entryPointResource("web", "127.0.0.1", 8000),
  routerResource("a@file"),
  routerResource("b@file"),
);
const second: SnapshotDelta = {
  upserts: [routerResource("a@file", 2)],
  removals: [{ kind: router, name: "b@file" }],
};

async function start(workers = 1) {
  const controlPlane = await new FakeControlPlane().start();
  const node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    workers,
  });
  return {
    controlPlane,
    node,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      controlPlane.stop();
    },
  };
}

function phasesOf(stream: { statuses(): { phase: Phase }[] }): Phase[] {
  return stream.statuses().map(({ phase }) => phase);
}

test("Agent serves the first transfer on every worker and reports each phase", async () => {
  await using run = await start(2);
  const { node, controlPlane } = run;
  const stream = await controlPlane.stream();
  const hello = await stream.hello();
  assert.equal(hello.nodeId, "node-1");
  assert.equal(hello.version, "1.2.3");
  assert.ok(hello.features.includes("parent-routers"));
  assert.deepEqual(hello.labels, [{ key: "zone", value: "a" }]);
  assert.equal(hello.running, undefined);
  stream.welcome();
  const digest = digestOf(first);
  stream.transfer({ generation: generation(1n), delta: first, digest });
  const serving = await stream.status(1n, Phase.SERVING);
  assert.deepEqual(phasesOf(stream), [
    Phase.RECEIVED,
    Phase.VALIDATED,
    Phase.APPLIED,
    Phase.SERVING,
  ]);
  assert.deepEqual(serving.digest, Buffer.from(digest));
  assert.deepEqual(serving.rejected, []);
  for (const id of [1, 2]) assert.equal(node.worker(id).serving.size, 3);
  assert.deepEqual(node.main.kinds(), [
    "ready",
    "bindListeners",
    "workerServing",
    "workerServing",
    "activateListeners",
  ]);
});

test("Agent sends workers a delta as it came, and leaves listeners alone when no entry point changed", async () => {
  await using run = await start();
  const { node, controlPlane } = run;
  const stream = await serveFirst(controlPlane, first);
  const delta = { generation: generation(2n), base: generation(1n), delta: second };
  stream.transfer({ ...delta, digest: digestOf(first, second) });
  await stream.status(2n, Phase.SERVING);
  const worker = node.worker(1);
  assert.deepEqual([...worker.serving.keys()].toSorted(), [
    `${ResourceKind.ENTRY_POINT}:web`,
    `${router}:a@file`,
  ]);
  const begins = worker.seen.flatMap((message) => (message.kind === "begin" ? [message.full] : []));
  assert.deepEqual(begins, [true, false]);
  const parts = worker.seen.flatMap((message) =>
    message.kind === "part" ? [message.changes] : [],
  );
  const sent = transferMessages({ ...delta, digest: Buffer.alloc(0) })[1];
  assert.ok(sent?.$case === "chunk");
  assert.deepEqual(Buffer.from(parts[1] ?? []), sent.value.changes);
  assert.ok(parts[1]?.buffer instanceof SharedArrayBuffer);
  assert.equal(node.main.kinds().filter((kind) => kind === "bindListeners").length, 1);
});

test("Agent takes a generation that changes nothing as a number only", async () => {
  await using run = await start();
  const { node, controlPlane } = run;
  const stream = await serveFirst(controlPlane, first);
  const before = node.worker(1).seen.length;
  stream.transfer({
    generation: generation(2n),
    base: generation(1n),
    delta: upserting(),
    digest: digestOf(first),
  });
  await stream.status(2n, Phase.SERVING);
  assert.equal(node.worker(1).seen.length, before);
});

test("Agent undoes a delta whose digest is wrong, and a full transfer heals it with the difference only", async () => {
  await using run = await start();
  const { node, controlPlane } = run;
  const stream = await serveFirst(controlPlane, first);
  const wrong = upserting(routerResource("c@file"));
  const digest = digestOf(first, second);
  stream.transfer({ generation: generation(2n), base: generation(1n), delta: wrong, digest });
  const failed = await stream.status(2n, Phase.FAILED);
  assert.match(
    failed.reason,
    /the digest after generation 2 .* is [0-9a-f]{12}, the control plane says/,
  );
  assert.deepEqual(failed.digest, Buffer.from(digestOf(first)));
  assert.equal(node.worker(1).switches, 1);

  const whole = upserting(
    entryPointResource("web", "127.0.0.1", 8000),
    routerResource("a@file", 2),
  );
  const seenBefore = node.worker(1).seen.length;
  stream.transfer({ generation: generation(2n), delta: whole, digest });
  await stream.status(2n, Phase.SERVING);
  assert.equal(node.worker(1).serving.size, 2);
  const sent = node.worker(1).seen.slice(seenBefore);
  assert.deepEqual(
    sent.map(({ kind }) => kind),
    ["begin", "part", "part", "build", "switch"],
    "one part with the changed router, one with the removal",
  );
  assert.match((await node.admin("/metrics")).text, /^switchyard_digest_mismatches_total 1$/m);
});

const damages: Record<string, (messages: ReturnType<typeof transferMessages>) => void> = {
  "a chunk that is no change list": (messages) => {
    const changes = Buffer.from("no change list at all");
    const value = TransferChunk.fromPartial({ index: 0, changes, crc32: crc32(changes) });
    messages.splice(1, 1, { $case: "chunk", value });
  },
  "a compressed chunk that is none": (messages) => {
    const changes = Buffer.from("no frame at all");
    const value = { index: 0, changes, crc32: crc32(changes), uncompressedBytes: 100 };
    messages.splice(1, 1, { $case: "chunk", value: { ...value, compression: Compression.ZSTD } });
  },
  "a compressed chunk that is longer than it says": (messages) => {
    const changes = zstdCompressSync(Buffer.alloc(1_000_000));
    const value = { index: 0, changes, crc32: crc32(changes), uncompressedBytes: 100 };
    messages.splice(1, 1, { $case: "chunk", value: { ...value, compression: Compression.ZSTD } });
  },
  "a compressed chunk that is shorter than it says": (messages) => {
    const chunk = messages[1];
    assert.ok(chunk?.$case === "chunk");
    const { changes } = chunk.value;
    const compressed = zstdCompressSync(changes);
    messages[1] = {
      $case: "chunk",
      value: {
        index: 0,
        changes: compressed,
        crc32: crc32(compressed),
        compression: Compression.ZSTD,
        uncompressedBytes: changes.length + 1,
      },
    };
  },
  "a kind that no digest has room for": (messages) => {
    const delta = upserting({ ...routerResource("a@file"), kind: 0x1_0000 as never });
    const [, chunk] = transferMessages({
      generation: generation(2n),
      delta,
      digest: Buffer.alloc(32),
    });
    messages.splice(1, 1, chunk!);
  },
  "a payload that is not what its hash says": (messages) => {
    const delta = upserting({ ...routerResource("a@file", 3), hash: Buffer.alloc(32) });
    const [, chunk] = transferMessages({
      generation: generation(2n),
      delta,
      digest: Buffer.alloc(32),
    });
    messages.splice(1, 1, chunk!);
  },
};

for (const [what, damage] of Object.entries(damages)) {
  test(`Agent gives up a transfer with ${what}, serves on, and takes it when it comes again`, async () => {
    await using run = await start();
    const { node, controlPlane } = run;
    const stream = await serveFirst(controlPlane, first);
    const large = upserting(
      ...Array.from({ length: 4_000 }, (_, n) => routerResource(`r${n}@file`)),
    );
    const transfer = {
      generation: generation(2n),
      base: generation(1n),
      delta: large,
      digest: digestOf(first, large),
    };
    const messages = transferMessages(transfer);
    assert.ok(messages.length > 4, "several chunks");
    damage(messages);
    for (const message of messages) stream.send(message);
    await stream.status(2n, Phase.FAILED);
    assert.equal(node.worker(1).serving.size, 3);
    stream.transfer(transfer);
    await stream.status(2n, Phase.SERVING);
    assert.equal(node.worker(1).serving.size, 4_003);
  });
}

test("Agent takes a change back when a worker cannot build it", async () => {
  await using run = await start(2);
  const { node, controlPlane } = run;
  const stream = await serveFirst(controlPlane, first);
  node.worker(2).behaviour.failure = "out of luck";
  const transfer = {
    generation: generation(2n),
    base: generation(1n),
    delta: second,
    digest: digestOf(first, second),
  };
  stream.transfer(transfer);
  assert.equal((await stream.status(2n, Phase.FAILED)).reason, "out of luck");
  for (const id of [1, 2]) {
    assert.equal(node.worker(id).switches, 1);
    assert.equal(node.worker(id).serving.size, 3);
  }
  node.worker(2).behaviour.failure = undefined;
  stream.transfer(transfer);
  await stream.status(2n, Phase.SERVING);
  for (const id of [1, 2]) assert.equal(node.worker(id).serving.size, 2);
});

for (const diesOn of ["begin", "part", "build", "switch"] as const) {
  test(`Agent goes on when a worker dies on "${diesOn}", and feeds the next one everything`, async () => {
    await using run = await start(2);
    const { node, controlPlane } = run;
    const stream = await serveFirst(controlPlane, first);
    node.worker(2).behaviour.diesOn = diesOn;
    stream.transfer({
      generation: generation(2n),
      base: generation(1n),
      delta: second,
      digest: digestOf(first, second),
    });
    await stream.status(2n, Phase.SERVING);
    assert.equal(node.worker(1).serving.size, 2);
    node.main.killWorker(2);
    const restarted = node.main.startWorker(3);
    await node.main.next("workerServing", ({ worker }) => worker === 3);
    assert.deepEqual(
      [...restarted.serving.keys()].toSorted(),
      [...node.worker(1).serving.keys()].toSorted(),
    );
  });
}

test("Agent waits for a worker when none is left, and serves the change on the one that comes", async () => {
  await using run = await start(1);
  const { node, controlPlane } = run;
  const stream = await serveFirst(controlPlane, first);
  node.worker(1).behaviour.diesOn = "build";
  stream.transfer({
    generation: generation(2n),
    base: generation(1n),
    delta: second,
    digest: digestOf(first, second),
  });
  await stream.status(2n, Phase.VALIDATED);
  await until("the worker's end", () => node.worker(1).seen.at(-1)?.kind === "build");
  node.main.killWorker(1);
  assert.equal((await node.admin("/readyz")).status, 503);
  const restarted = node.main.startWorker(2);
  await stream.status(2n, Phase.SERVING);
  assert.equal(restarted.serving.size, 2);
});

test("Agent gives up on a worker that does not answer", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address] },
    timing: { workerAnswerTimeoutMs: 800 },
    workers: 2,
  });
  const stream = await serveFirst(controlPlane, first);
  node.worker(2).behaviour.hangs = true;
  stream.transfer({
    generation: generation(2n),
    base: generation(1n),
    delta: second,
    digest: digestOf(first, second),
  });
  const { reason } = await stream.status(2n, Phase.FAILED);
  assert.equal(reason, "worker 2 did not answer in time");
});

test("Agent reports what workers and listeners reject, each once, and again when it changes", async () => {
  await using run = await start(2);
  const { node, controlPlane } = run;
  node.main.bindError = (name) =>
    name === "web" ? `Cannot bind entry point "web" to :443: port is in use` : undefined;
  for (const id of [1, 2]) {
    node.worker(id).behaviour.rejects = ({ name }) =>
      name === "b@file" ? "no such service" : undefined;
  }
  const stream = await serveFirst(controlPlane, first);
  const { rejected } = await stream.status(1n, Phase.SERVING);
  const inOrder = (list: readonly Rejection[]) =>
    list.map(({ name, reason }) => `${name}: ${reason}`).toSorted();
  assert.deepEqual(inOrder(rejected), [
    "b@file: no such service",
    `web: Cannot bind entry point "web" to :443: port is in use`,
  ]);
  assert.equal((await node.admin("/readyz")).text, "no entry point is bound\n");
  node.main.toAgent({
    kind: "listenerChanged",
    result: { entryPoint: "web", address: "127.0.0.1:443" },
  });
  await stream.status(1n, Phase.SERVING, (status) => status.rejected.length === 1);
  assert.equal((await node.admin("/readyz")).status, 200);
  assert.deepEqual(JSON.parse((await node.admin("/snapshot")).text).rejected, [
    { kind: "http_router", name: "b@file", reason: "no such service" },
  ]);
});

test("Agent refuses an older generation and another fleet's, and keeps the stream", async () => {
  await using run = await start();
  const { node, controlPlane } = run;
  const stream = await serveFirst(controlPlane, first);
  stream.transfer({ generation: generation(0n), delta: second, digest: digestOf(second) });
  assert.equal(
    (await stream.status(0n, Phase.FAILED)).reason,
    "generation 0 (epoch 1) is older than 1 (epoch 1), which this node holds",
  );
  const foreign = { fleetId: "fleet-b", epoch: 9n, number: 9n };
  stream.transfer({ generation: foreign, delta: second, digest: digestOf(second) });
  assert.match(
    (await stream.status(9n, Phase.FAILED)).reason,
    /of fleet fleet-b, this node holds state of fleet fleet-a/,
  );
  assert.equal(node.worker(1).serving.size, 3);
  assert.equal(controlPlane.streams.length, 1);
});

test("Agent moves to the fleet it was told to adopt, which it meets as if it held nothing", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address], adoptFleet: "fleet-b" },
  });
  (await serveFirst(controlPlane, first)).call.end();
  const stream = await controlPlane.stream(1);
  assert.equal((await stream.hello()).running, undefined);
  stream.welcome();
  const foreign = { fleetId: "fleet-b", epoch: 1n, number: 1n };
  stream.transfer({ generation: foreign, delta: second, digest: digestOf(second) });
  await until("the other fleet's state", () =>
    stream.statuses().some((s) => s.phase === Phase.SERVING && s.generation?.fleetId === "fleet-b"),
  );
  assert.equal(node.worker(1).serving.size, 1);
  stream.call.end();
  const again = await controlPlane.stream(2);
  assert.equal((await again.hello()).running?.fleetId, "fleet-b");
});

test("Agent overrides an entry point's address locally", async () => {
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({
    options: {
      controlPlanes: [controlPlane.address],
      entryPointAddresses: { web: "127.0.0.1:9999" },
    },
  });
  await serveFirst(controlPlane, first);
  const { listeners } = await node.main.next("bindListeners");
  assert.deepEqual(listeners, [{ entryPoint: "web", host: "127.0.0.1", port: 9999 }]);
});
