/** Either side killed at every point where that can make a difference (docs/reliability.md: S5, S6). */
import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { ChangeListParts } from "../../../config-model/snapshot/change-list-codec.ts";
import type { SnapshotDelta } from "../../../config-model/snapshot/snapshot-delta.ts";
import { transferChecks } from "../../../data-plane/agent/transfer-checks.ts";
import type { FileSystem } from "../../../foundation/file-system.ts";
import { Phase } from "../../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { CrashFileSystem, type CrashView } from "../../support/crash-file-system.ts";
import { entryPointResource, upserting } from "../../support/entry-point-resource.ts";
import {
  digestOf,
  FakeControlPlane,
  type FakeNodeStream,
  transferMessages,
} from "../../support/fake-control-plane.ts";
import { digestsUpTo, KeptNode } from "../../support/kept-history.ts";
import { routerResource } from "../../support/resources.ts";
import { generation, TestAgent } from "../../support/test-agent.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";
import { plainDigest } from "./support/plain-digest.ts";

const chunkCount = 20;
const partBytes = 1_024;

/** A generation of exactly 20 chunks; every resource changes from one to the next. */
function generationOf(version: number): SnapshotDelta {
  const routers = Array.from({ length: 400 }, (_, index) =>
    routerResource(`r${String(index).padStart(3, "0")}@etcd`, `${version % 10}`),
  );
  let count = routers.length;
  const web = entryPointResource("web", "127.0.0.1", 8000);
  for (; count > 0; count--) {
    const delta = upserting(web, ...routers.slice(0, count));
    if (new ChangeListParts(delta, partBytes).count === chunkCount) return delta;
  }
  throw new Error("no generation has that many chunks");
}

/** Where a control plane is killed: after so many messages of a transfer, or when the node has reported a phase. */
type KillPoint =
  | { readonly kind: "message"; readonly sent: number }
  | { readonly kind: "phase"; readonly phase: Phase };

function killPoints(): KillPoint[] {
  const messages = chunkCount + 2; // begin, chunks, commit
  return [
    ...Array.from({ length: messages + 1 }, (_, sent) => ({ kind: "message", sent }) as const),
    ...[Phase.RECEIVED, Phase.VALIDATED, Phase.APPLIED, Phase.SERVING].map(
      (phase) => ({ kind: "phase", phase }) as const,
    ),
  ];
}

async function send(
  stream: FakeNodeStream,
  point: KillPoint,
  transfer: Parameters<typeof transferMessages>[0],
  hurries: boolean,
): Promise<void> {
  const messages = transferMessages(transfer, partBytes);
  assert.equal(messages.length, chunkCount + 2);
  const sent = point.kind === "message" ? point.sent : messages.length;
  for (const message of messages.slice(0, sent)) stream.send(message);
  // A control plane in a hurry to stop says that this was all, which it was not.
  if (hurries && sent > 0 && sent < messages.length) stream.send(messages.at(-1)!);
  if (point.kind === "phase") await stream.status(transfer.generation.number, point.phase);
}

faultTest({
  id: "S5",
  title:
    "a control plane killed after any message of a push leaves the old state or the new, whole",
  guard: "the count of chunks and the digest of what a transfer leads to",
  run: async ({ guarded }) => {
    const checks = { ...transferChecks, isComplete: () => true, isState: () => true };
    await using one = await new FakeControlPlane().start();
    await using two = await new FakeControlPlane().start();
    /** In the order in which they open, on either control plane. */
    const streams: FakeNodeStream[] = [];
    for (const plane of [one, two]) plane.onStream = (stream) => void streams.push(stream);
    await using node = await TestAgent.start({
      options: { controlPlanes: [one.address, two.address] },
      ...(guarded ? {} : { checks }),
    });
    let opened = 0;
    let number = 1n;
    const points = killPoints();
    for (const point of points) {
      for (const hurries of [true, false]) {
        if (hurries && point.kind === "phase") continue;
        const where = `${JSON.stringify(point)}${hurries ? ", in a hurry" : ""}`;
        // Resumes elsewhere, and is brought to a known state there.
        const stream = await until("stream", () => streams[opened]);
        opened += 1;
        await stream.hello();
        stream.welcome();
        const old = generationOf(Number(number));
        stream.transfer({ generation: generation(number), delta: old, digest: digestOf(old) });
        await stream.status(number, Phase.SERVING);
        const next = generationOf(Number(number) + 1);
        number += 1n;
        const transfer = {
          generation: generation(number),
          base: generation(number - 1n),
          delta: next,
          digest: digestOf(next),
        };
        await send(stream, point, transfer, hurries);
        stream.call.emit("error", { code: status.UNAVAILABLE, details: "killed" }); // and not a word more
        const again = await until("resumed elsewhere", () => streams[opened]);
        const told = (await again.hello()).digest.toString("hex");
        const served = plainDigest(node.worker(1).serving.values());
        const wholes = [plainDigest(old.upserts), plainDigest(next.upserts)];
        assert.ok(wholes.includes(served), `served after ${where}`);
        assert.ok(wholes.includes(told), `told after ${where}`);
        const isCommitted = point.kind === "phase" || point.sent >= chunkCount + (hurries ? 1 : 2);
        if (!isCommitted) assert.deepEqual([served, told], [wholes[0], wholes[0]], where);
      }
    }
  },
});

const history = 14;
const digests = digestsUpTo(history + 4);
/** Small enough that the history writes several bases. */
const minLogBytes = 700;

/** Says that it has synced, and has not. */
function withoutSync(fileSystem: FileSystem): FileSystem {
  return {
    open: async (path, how) => {
      const file = await fileSystem.open(path, how);
      return { ...file, sync: async () => {} };
    },
    rename: (from, to) => fileSystem.rename(from, to),
    remove: (path) => fileSystem.remove(path),
    read: (path) => fileSystem.read(path),
    list: (path) => fileSystem.list(path),
    syncDirectory: async () => {},
  };
}

/** Runs the history until the disk is cut; resolves to the last generation that was flushed. */
async function keep(fileSystem: FileSystem): Promise<number> {
  const node = new KeptNode({ fileSystem, minLogBytes }, digests);
  await node.boot();
  let flushed = 0;
  while (node.number < history) {
    await node.advance();
    await node.lastKnownGood.flush();
    if (node.lastKnownGood.failure !== undefined) break;
    flushed = node.number;
  }
  await node.lastKnownGood.stop();
  return flushed;
}

faultTest({
  id: "S6",
  title:
    "a data plane killed at any step of persisting boots with the old state or the new, never none",
  guard: "syncing before a name or a promise is given",
  run: async ({ guarded }) => {
    const whole = new CrashFileSystem();
    await keep(whole);
    const views: readonly CrashView[] = ["process", "power", "names first"];
    for (let cutAt = 0; cutAt <= whole.steps; cutAt += 1) {
      const disk = new CrashFileSystem();
      disk.cutAt = cutAt;
      const flushed = await keep(guarded ? disk : withoutSync(disk));
      for (const view of views) {
        const where = `cut at step ${cutAt}, ${view}`;
        const node = new KeptNode({ fileSystem: disk.afterCrash(view), minLogBytes }, digests);
        const number = await node.boot();
        assert.ok(
          number >= flushed && number <= flushed + 1,
          `${where}: ${flushed} became ${number}`,
        );
        assert.equal(node.digest, digests[number], where);
        await node.lastKnownGood.stop();
      }
    }
  },
});
