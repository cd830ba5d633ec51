import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { resourceOf } from "../../test/support/resources.ts";
import { until } from "../../test/support/until.ts";
import { GenerationPublisher } from "./generation-publisher.ts";

const limits = { resourceBytes: 1_000, resources: 6, snapshotBytes: 4_000, growthBytes: 2_500 };

function sized(name: string, bytes: number, fill = 1): Resource {
  return resourceOf(ResourceKind.HTTP_SERVICE, name, Buffer.alloc(bytes - name.length, fill));
}

async function start() {
  const store = new MemorySnapshotStore();
  const log = new RecordingLog();
  const publisher = new GenerationPublisher({ store, log, limits });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  const publish = async (upserts: readonly Resource[], removals: readonly Resource[] = []) => {
    const generation = store.commits.length;
    publisher.publish({ upserts, removals });
    await until("a commit, or a refusal", () => {
      return store.commits.length > generation || publisher.sizes.waiting !== undefined;
    });
  };
  const served = () => new Map(publisher.committed.full().upserts.map((each) => [each.name, each]));
  return { publisher, log, publish, served };
}

test("GenerationPublisher leaves an object out that no node could be sent, or as it was; the rest goes on", async () => {
  const { publish, served, publisher, log } = await start();
  await publish([sized("a", 1_000), sized("big", 1_001)]);
  assert.deepEqual([...served().keys()], ["a"]);
  const reason =
    'Cannot publish httpService "big": it has 1001 bytes, 1000 is the most a node can be sent';
  assert.deepEqual(
    publisher.sizes.refused.map((refused) => refused.reason),
    [reason],
  );
  assert.ok(log.lines.some(({ level, message }) => level === "error" && message === reason));
  await publish([sized("a", 2_000, 2), sized("b", 10)]);
  assert.deepEqual(served().get("a"), sized("a", 1_000));
  await publish([sized("a", 900, 3), sized("big", 20)]);
  assert.deepEqual(publisher.sizes.refused, []);
  assert.equal(served().size, 3);
  assert.equal(publisher.sizes.bytes, 930);
});

test("GenerationPublisher serves the generation before one that is too large, until it fits", async () => {
  const { publish, served, publisher, log } = await start();
  const thousand = (...names: string[]) => names.map((name) => sized(name, 1_000));
  await publish(thousand("a", "b"));
  await publish(thousand("c", "d"));
  await publish([sized("e", 10)]);
  assert.equal(
    publisher.sizes.waiting,
    "Cannot publish a generation of 4010 bytes: 4000 is the most it may have",
  );
  assert.equal(served().size, 4);
  await publish([], thousand("a"));
  assert.equal(publisher.sizes.waiting, undefined);
  assert.deepEqual(
    [...served().keys()].toSorted((a, b) => (a < b ? -1 : 1)),
    ["b", "c", "d", "e"],
  );
  await publish(["f", "g", "h"].map((name) => sized(name, 10)));
  assert.match(publisher.sizes.waiting ?? "", /^Cannot publish 7 resources: 6 is the most/);
  assert.equal(log.lines.filter(({ level }) => level === "error").length, 2, "each said once");
});

test("GenerationPublisher lets a generation grow by so much at a time", async () => {
  const { publish, publisher } = await start();
  await publish(["a", "b", "c"].map((name) => sized(name, 1_000)));
  assert.equal(
    publisher.sizes.waiting,
    "Cannot publish a generation that is 3000 bytes larger than the one before: 2500 is the most it may grow by",
  );
  await publish([], [sized("c", 1_000)]);
  assert.equal(publisher.sizes.bytes, 2_000);
});
