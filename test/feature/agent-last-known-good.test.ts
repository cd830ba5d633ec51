/** The agent with a state directory: what it serves without any control plane, and what it tells about that. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { Phase } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { entryPointResource, upserting } from "../support/entry-point-resource.ts";
import { digestOf, FakeControlPlane } from "../support/fake-control-plane.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { routerResource } from "../support/resources.ts";
import { generation, serveFirst, TestAgent } from "../support/test-agent.ts";
import { until } from "../support/until.ts";

const first = upserting(
  entryPointResource("web", "127.0.0.1", 8000),
  routerResource("a@file"),
  routerResource("b@file"),
);
const second: SnapshotDelta = {
  upserts: [routerResource("a@file", 2)],
  removals: [{ kind: ResourceKind.HTTP_ROUTER, name: "b@file" }],
};
/** Nothing listens there. */
const nowhere = ["unix:/nonexistent/stream"];

async function stateDirectory() {
  const path = await mkdtemp(join(tmpdir(), "agent-state-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Runs a node with a control plane until it serves generation 2, then stops it. */
async function servedOnce(stateDir: string): Promise<void> {
  await using controlPlane = await new FakeControlPlane().start();
  await using _node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address], stateDir },
  });
  const stream = await serveFirst(controlPlane, first);
  stream.transfer({
    generation: generation(2n),
    base: generation(1n),
    delta: second,
    digest: digestOf(first, second),
  });
  await stream.status(2n, Phase.SERVING);
}

test("Agent serves last-known-good without a control plane, and follows once there is one", async () => {
  await using state = await stateDirectory();
  await servedOnce(state.path);
  await using controlPlane = new FakeControlPlane();
  const socket = `unix:${state.path}/stream`;
  await using node = await TestAgent.start({
    options: { controlPlanes: [socket], stateDir: state.path },
    workers: 2,
  });
  await node.main.next("activateListeners");
  for (const id of [1, 2]) {
    await node.main.next("workerServing", ({ worker }) => worker === id);
    assert.equal(node.worker(id).serving.size, 2);
  }
  assert.deepEqual((await node.main.next("bindListeners")).listeners, [
    { entryPoint: "web", host: "127.0.0.1", port: 8000 },
  ]);
  assert.equal((await node.admin("/readyz")).status, 200);
  const fromCache = JSON.parse((await node.admin("/snapshot")).text);
  const digest = Buffer.from(digestOf(first, second));
  assert.deepEqual(fromCache, {
    epoch: 1,
    generation: 2,
    digest: digest.toString("hex"),
    sources: {},
    source: "cache",
    ageSeconds: fromCache.ageSeconds,
    rejected: [],
  });
  assert.ok(fromCache.ageSeconds >= 0 && fromCache.ageSeconds < 60);

  await controlPlane.start(socket);
  const stream = await controlPlane.stream();
  const hello = await stream.hello();
  assert.equal(hello.running?.number, 2n);
  assert.deepEqual(hello.digest, digest);
  stream.welcome();
  stream.heartbeat(generation(2n), digest);
  await until("the confirmation", async () => {
    const { source } = JSON.parse((await node.admin("/snapshot")).text);
    return source === "stream";
  });
});

test("Agent keeps its node id and counts its starts", async () => {
  await using state = await stateDirectory();
  const seen: { nodeId: string; incarnation: bigint }[] = [];
  for (let start = 0; start < 2; start += 1) {
    await using controlPlane = await new FakeControlPlane().start();
    await using _node = await TestAgent.start({
      options: { controlPlanes: [controlPlane.address], stateDir: state.path, nodeId: undefined },
    });
    const { nodeId, incarnation } = await (await controlPlane.stream()).hello();
    seen.push({ nodeId, incarnation });
  }
  assert.match(seen[0]?.nodeId ?? "", /^.+-[0-9a-f]{6}$/);
  assert.equal(seen[1]?.nodeId, seen[0]?.nodeId);
  assert.deepEqual(
    seen.map(({ incarnation }) => incarnation),
    [1n, 2n],
  );
});

test("Agent refuses a state directory that is in use, and leaves nothing behind", async () => {
  await using state = await stateDirectory();
  await using _first = await TestAgent.start({
    options: { controlPlanes: nowhere, stateDir: state.path },
  });
  await assert.rejects(
    TestAgent.start({ options: { controlPlanes: nowhere, stateDir: state.path } }),
    {
      message: `State directory ${state.path} is in use by pid ${process.pid}; choose another with --state-dir`,
    },
  );
});

test("Agent keeps last-known-good for its user only", async () => {
  await using state = await stateDirectory();
  await servedOnce(state.path);
  const names = await readdir(state.path);
  assert.ok(
    names.some((name) => name.startsWith("base-")),
    names.join(" "),
  );
  for (const name of names) {
    assert.equal((await stat(join(state.path, name))).mode & 0o777, 0o600, name);
  }
});

test("Agent boots without state when everything it kept is damaged, with an alarm, and follows", async () => {
  await using state = await stateDirectory();
  await servedOnce(state.path);
  for (const name of await readdir(state.path)) {
    const path = join(state.path, name);
    const content = await readFile(path);
    await writeFile(path, content.fill(0x5a, Math.trunc(content.length / 2)));
  }
  const log = new RecordingLog();
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address], stateDir: state.path },
    log,
  });
  assert.ok(
    log.lines.some(({ level, message }) => level === "error" && message.includes("damaged")),
  );
  await serveFirst(controlPlane, first);
  assert.equal(node.worker(1).serving.size, 3);
});

test("Agent is not ready any more when the state has not been confirmed for too long", async () => {
  await using state = await stateDirectory();
  await servedOnce(state.path);
  await using node = await TestAgent.start({
    options: { controlPlanes: nowhere, stateDir: state.path, readyMaxAgeMs: 1 },
  });
  await node.main.next("activateListeners");
  const { status, text } = await until("the age to be noticed", async () => {
    const answer = await node.admin("/readyz");
    return answer.text.includes("confirmed") && answer;
  });
  assert.equal(status, 503);
  assert.match(
    text,
    /^the state was last confirmed \d+ s ago, more than --ready-max-age allows\n$/,
  );
});
