/** Transfers that arrive damaged, or are wrong from the beginning (docs/reliability.md: S4, S7). */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { decodeChangeList } from "../../../config-model/snapshot/change-list-codec.ts";
import { transferChecks } from "../../../data-plane/agent/transfer-checks.ts";
import { ChangeList, Compression } from "../../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { entryPointResource } from "../../support/entry-point-resource.ts";
import { FleetFixture } from "../../support/fleet-fixture.ts";
import { routerResource } from "../../support/resources.ts";
import { TestAgent } from "../../support/test-agent.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";
import {
  assertConverged,
  assertServes,
  committedOf,
  untilSettled,
} from "./support/followed-fleet.ts";
import { type Response, StreamProxy } from "./support/stream-proxy.ts";

type Chunk = Extract<Response, { $case: "chunk" }>;

/** What becomes of the chunks of one transfer, as a list: the transport would give them in this order. */
const damages: Readonly<Record<string, (chunks: Chunk[], at: number) => Chunk[]>> = {
  lost: (chunks, at) => chunks.toSpliced(at, 1),
  "flipped bit": (chunks, at) =>
    chunks.with(at, withChanges(chunks[at]!, flipped(chunks[at]!.value.changes))),
  twice: (chunks, at) => chunks.toSpliced(at, 0, chunks[at]!),
  reordered: (chunks, at) => {
    const other = (at + 1) % chunks.length;
    return chunks.with(at, chunks[other]!).with(other, chunks[at]!);
  },
};

function withChanges({ value }: Chunk, changes: Buffer): Chunk {
  return { $case: "chunk", value: { ...value, changes } };
}

/** In the middle of a payload, where the message still decodes. */
function flipped(changes: Buffer): Buffer {
  const copy = Buffer.from(changes);
  const at = copy.lastIndexOf("service-");
  copy[at] = copy[at]! ^ 0x01;
  return copy;
}

/** Holds a transfer back until its last chunk, then passes what `damage` makes of it; once. */
function damageOnce(proxy: StreamProxy, damage: (chunks: Chunk[]) => Chunk[]): void {
  let chunks: Chunk[] = [];
  let count = 0;
  proxy.onResponse = (message) => {
    if (message.$case === "begin") {
      count = message.value.chunkCount;
      chunks = [];
    }
    if (message.$case === "commit") proxy.onResponse = (unchanged) => [unchanged];
    if (message.$case !== "chunk") return [message];
    chunks.push(message);
    return chunks.length === count ? damage(chunks) : [];
  };
}

const noChecks = {
  ...transferChecks,
  isNext: () => true,
  isIntact: () => true,
  isComplete: () => true,
  isPayload: () => true,
  isState: () => true,
};

/** Chunks of about 128 KiB: three of them, or twenty. */
function generationOf(version: number, routers: number) {
  return Array.from({ length: routers }, (_, index) =>
    routerResource(`r${String(index).padStart(6, "0")}@etcd`, `${version}-${"x".repeat(200)}`),
  );
}

/** Plain chunks: a damaged one that is compressed is noticed for that alone. */
function withoutCompression(proxy: StreamProxy): void {
  proxy.onRequest = (message) =>
    message.$case === "hello"
      ? [{ $case: "hello", value: { ...message.value, compressions: [] } }]
      : [message];
}

faultTest({
  id: "S4",
  title: "a chunk with a flipped bit, lost, twice or out of order aborts the transfer",
  guard: "the checks of chunks and digests",
  run: async ({ size, guarded }) => {
    const routers = size === "full" ? 9_500 : 1_200;
    const web = entryPointResource("web", "127.0.0.1", 8000);
    await using fleet = await FleetFixture.start({ resources: [web, ...generationOf(0, routers)] });
    await using proxy = await StreamProxy.start(fleet.address);
    withoutCompression(proxy);
    await using node = await TestAgent.start({
      options: { controlPlanes: [proxy.address] },
      ...(guarded ? {} : { checks: noChecks }),
    });
    await untilSettled(fleet);
    let version = 0;
    for (const [what, damage] of Object.entries(damages)) {
      const places = size === "full" ? Array.from({ length: 20 }, (_, at) => at) : [1];
      for (const at of places) {
        const where = `${what} at chunk ${at}`;
        const before = committedOf(fleet);
        let failures = 0;
        const stop = fleet.service.status.onChange(({ node: status }) => {
          if (status?.failure === undefined || failures > 0) return;
          failures += 1;
          assertServes(node, before, `${where}: the old state serves while it is refused`);
        });
        damageOnce(proxy, (chunks) => {
          assert.ok(chunks.length >= Math.max(3, places.length), `${chunks.length} chunks`);
          return damage(chunks, at);
        });
        version += 1;
        fleet.upsert(...generationOf(version, routers));
        await untilSettled(fleet);
        stop();
        assertServes(node, committedOf(fleet), where);
        assert.equal(failures, 1, `${where} was noticed`);
      }
    }
    await assertConverged(fleet, node);
  },
});

/** Leaves the last change of a delta out, everything else as it should be. */
function mutated({ value }: Chunk): Chunk {
  assert.equal(value.compression, Compression.UNSPECIFIED);
  const { upserts, removals } = decodeChangeList(value.changes);
  const list = ChangeList.fromPartial({
    upserts: upserts.slice(0, -1).map((upsert) => ({
      ...upsert,
      hash: Buffer.from(upsert.hash),
      payload: Buffer.from(upsert.payload),
    })),
    removals: [...removals],
  });
  const changes = Buffer.from(ChangeList.encode(list).finish());
  return { $case: "chunk", value: { ...value, changes, crc32: crc32(changes) } };
}

faultTest({
  id: "S7",
  title: "a delta computed wrong is noticed by the digest, and a full transfer heals it",
  guard: "the digest after applying",
  run: async ({ size, guarded }) => {
    const routers = size === "full" ? 10_000 : 100;
    const web = entryPointResource("web", "127.0.0.1", 8000);
    await using fleet = await FleetFixture.start({ resources: [web, ...generationOf(0, routers)] });
    await using proxy = await StreamProxy.start(fleet.address);
    await using node = await TestAgent.start({
      options: { controlPlanes: [proxy.address] },
      ...(guarded ? {} : { checks: { ...transferChecks, isState: () => true } }),
    });
    await untilSettled(fleet);
    damageOnce(proxy, ([chunk]) => [mutated(chunk!)]);
    fleet.upsert(routerResource("r000001@etcd", 1), routerResource("r000002@etcd", 1));
    await untilSettled(fleet);
    await assertConverged(fleet, node);
    const status = fleet.service.status.node("node-1");
    assert.equal(status?.repairs, 1);
    assert.equal(status.timings?.full, true);
    const metrics = await until("metrics", () => node.admin("/metrics"));
    assert.match(metrics.text, /^switchyard_digest_mismatches_total 1$/m);
  },
});
