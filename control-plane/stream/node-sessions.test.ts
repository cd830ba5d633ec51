import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FollowResponse, Hello } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { routerResource } from "../../test/support/resources.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { GenerationPublisher } from "../snapshot-store/generation-publisher.ts";
import { NodeSessions } from "./node-sessions.ts";

async function startSessions(nodeCount: number) {
  const store = new MemorySnapshotStore("fleet-a", {
    upserts: [routerResource("a")],
    removals: [],
  });
  const publisher = new GenerationPublisher({ store, log: silentLog });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  const idleMs = 60_000;
  const sessions = new NodeSessions({
    controlPlaneId: "control-plane-1",
    committed: publisher.committed,
    sourceOf: () => undefined,
    log: silentLog,
    times: {
      heartbeatMs: idleMs,
      silenceMs: idleMs,
      statusMs: idleMs,
      helloMs: idleMs,
      failureBackoff: { baseMs: idleMs, maxMs: idleMs },
    },
    admission: { perSecond: 1, burst: nodeCount, maxWaitMs: 0 },
  });
  const { generation: running, digest } = publisher.committed.head!;
  /** Generations each node was sent. */
  const sent: bigint[][] = [];
  for (let index = 0; index < nodeCount; index++) {
    const generations: bigint[] = [];
    sent.push(generations);
    const stream = {
      async send(frame: Buffer) {
        const { message } = FollowResponse.decode(frame);
        if (message?.$case === "begin") generations.push(message.value.generation!.number);
      },
      end() {},
    };
    const value = Hello.fromPartial({
      protocol: 1,
      nodeId: `node-${index}`,
      incarnation: 1n,
      running: running!,
      digest: Buffer.from(digest!),
    });
    sessions.open(stream, `memory:${index}`).receive({ message: { $case: "hello", value } });
  }
  return {
    publisher,
    sessions,
    sent,
    [Symbol.dispose]() {
      sessions.drain();
      sessions.end();
    },
  };
}

test("NodeSessions bring a large fleet on its way in turns, everybody to the newest generation", async () => {
  using run = await startSessions(200);
  const { publisher, sent } = run;
  publisher.publish({ upserts: [routerResource("a", 1)], removals: [] });
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  const atOnce = sent.filter((generations) => generations.length > 0).length;
  assert.ok(atOnce > 0 && atOnce < 200, `${atOnce} nodes in the first turn`);
  publisher.publish({ upserts: [routerResource("a", 2)], removals: [] });
  for (let turns = 0; turns < 10; turns++) await turn();
  // Who was sent the first has it in flight; everybody else goes to the newest directly.
  const counts = new Map<string, number>();
  for (const generations of sent) {
    counts.set(generations.join(), (counts.get(generations.join()) ?? 0) + 1);
  }
  assert.deepEqual(
    counts,
    new Map([
      ["2", atOnce],
      ["3", 200 - atOnce],
    ]),
  );
});

test("NodeSessions wake nobody after drain()", async () => {
  using run = await startSessions(100);
  run.publisher.publish({ upserts: [routerResource("a", 1)], removals: [] });
  await Promise.resolve();
  run.sessions.drain();
  const before = run.sent.flat().length;
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(run.sent.flat().length, before);
});
