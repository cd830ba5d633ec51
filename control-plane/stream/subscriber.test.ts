import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Compression, FollowResponse, Phase } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { resourceOf, routerResource } from "../../test/support/resources.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { GenerationPublisher } from "../snapshot-store/generation-publisher.ts";
import type { NodeRecord } from "./fleet-status.ts";
import type { ResponseFrame } from "./follow-method.ts";
import type { NodeStream } from "./node-stream.ts";
import { SendPace } from "./send-pace.ts";
import { createStreamCounts } from "./stream-counts.ts";
import { Subscriber } from "./subscriber.ts";
import { TransferCache } from "./transfer-cache.ts";

const plain = Compression.UNSPECIFIED;

const newNode: NodeRecord = {
  nodeId: "node-1",
  incarnation: 1n,
  labels: [],
  features: [],
  version: "0.0.0",
  address: "127.0.0.1:1",
  connectedAtMs: 0,
  heardAtMs: 0,
  held: undefined,
  serving: false,
  timings: undefined,
  rejected: [],
  failure: undefined,
  heldObjects: [],
  refused: [],
  repairs: 0,
};

/** A transport that takes one frame for each `take()`. */
class HeldStream implements NodeStream {
  readonly offered: ResponseFrame[] = [];
  readonly #waiting: (() => void)[] = [];
  isEnded = false;

  send(frame: ResponseFrame): Promise<void> {
    this.offered.push(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async take(): Promise<void> {
    this.#waiting.shift()?.();
    await turn();
  }

  end(): void {
    this.isEnded = true;
  }

  cases(): (string | undefined)[] {
    return this.offered.map((frame) => FollowResponse.decode(frame).message?.$case);
  }
}

async function subscribe(resources: Parameters<typeof resourceOf>[] = []) {
  const seed = resources.map((resource) => resourceOf(...resource));
  const store = new MemorySnapshotStore("fleet-a", {
    upserts: [routerResource("r1"), ...seed],
    removals: [],
  });
  const publisher = new GenerationPublisher({ store, log: silentLog });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  const stream = new HeldStream();
  const transfers = new TransferCache({ committed: publisher.committed });
  const subscriber = new Subscriber(
    {
      stream,
      committed: publisher.committed,
      transfers,
      compression: plain,
      counts: createStreamCounts(),
      pace: new SendPace(),
      times: {
        heartbeatMs: 60_000,
        silenceMs: 60_000,
        statusMs: 60_000,
        failureBackoff: { baseMs: 60_000, maxMs: 60_000 },
      },
      log: silentLog,
      rejectionOf: ({ kind, name, reason }) => ({
        resource: { kind, name },
        reason,
        source: undefined,
      }),
      onRecord: () => {},
    },
    newNode,
  );
  publisher.committed.onChange(() => subscriber.wake());
  subscriber.start();
  return { subscriber, stream, publisher, store, transfers };
}

test("Subscriber hands the transport no more than it takes, whatever is committed meanwhile", async () => {
  const large = Array.from({ length: 64 }, (_, index): Parameters<typeof resourceOf> => {
    return [ResourceKind.HTTP_MIDDLEWARE, `m${index}`, Buffer.alloc(100_000, index)];
  });
  const { subscriber, stream, publisher } = await subscribe(large);
  for (let version = 1; version <= 50; version++) {
    publisher.publish({ upserts: [routerResource("r1", version)], removals: [] });
    await turn();
  }
  assert.deepEqual(stream.cases(), ["begin", "chunk"]); // 100 KB wait to be taken
  await stream.take();
  await stream.take();
  assert.deepEqual(stream.cases(), ["begin", "chunk", "chunk"]);
  subscriber.close();
});

test("Subscriber hands over a small transfer at once", async () => {
  const { subscriber, stream } = await subscribe();
  assert.deepEqual(stream.cases(), ["begin", "chunk", "commit"]);
  subscriber.close();
});

test("Subscriber stops sending a transfer that the node has refused", async () => {
  const large = Array.from({ length: 8 }, (_, index): Parameters<typeof resourceOf> => {
    return [ResourceKind.HTTP_MIDDLEWARE, `m${index}`, Buffer.alloc(100_000, index)];
  });
  const { subscriber, stream, publisher } = await subscribe(large);
  subscriber.receiveStatus({
    generation: publisher.committed.head!.generation,
    phase: Phase.FAILED,
    elapsedUs: 0n,
    digest: Buffer.alloc(0),
    rejected: [],
    reason: "chunk 0 has a wrong checksum",
  });
  await stream.take();
  await stream.take();
  assert.deepEqual(stream.cases(), ["begin", "chunk"]);
  assert.equal(subscriber.record.failure, "chunk 0 has a wrong checksum");
  subscriber.close();
});

test("Subscriber does not take a report from before a transfer for its end", async () => {
  const { subscriber, stream, publisher } = await subscribe();
  const { generation, digest } = publisher.committed.head!;
  const status = {
    generation,
    elapsedUs: 1n,
    digest: Buffer.from(digest!),
    rejected: [],
    reason: "",
  };
  subscriber.receiveStatus({ ...status, phase: Phase.SERVING });
  assert.equal(subscriber.record.serving, false);
  subscriber.receiveStatus({ ...status, phase: Phase.RECEIVED });
  subscriber.receiveStatus({ ...status, phase: Phase.SERVING });
  assert.equal(subscriber.record.held?.generation, generation);
  assert.equal(stream.isEnded, false);
  subscriber.close();
});

test("TransferCache gives nodes that come from one state the same frames", async () => {
  const { subscriber, publisher, transfers } = await subscribe();
  const base = {
    generation: publisher.committed.head!.generation!,
    digest: publisher.committed.head!.digest!,
  };
  publisher.publish({ upserts: [routerResource("r1", 1)], removals: [] });
  await turn();
  const [first, second] = [
    transfers.transferFrom(base, plain)!,
    transfers.transferFrom(base, plain)!,
  ];
  first.acquire();
  second.acquire();
  const [, chunk] = first.frames();
  const [, again] = second.frames();
  assert.equal(chunk, again);
  assert.equal(transfers.transferFrom(undefined, plain), transfers.transferFrom(undefined, plain));
  assert.notEqual(transfers.transferFrom(undefined, plain), first);
  subscriber.close();
});

test("SharedTransfer gives the same bytes to a node that is still busy with it after newer generations", async () => {
  const { subscriber, publisher, transfers } = await subscribe();
  const transfer = transfers.transferFrom(undefined, plain)!;
  transfer.acquire();
  const before = [...transfer.frames()];
  publisher.publish({ upserts: [routerResource("r1", 1), routerResource("r2")], removals: [] });
  await turn();
  assert.notEqual(transfers.transferFrom(undefined, plain), transfer);
  const after = [...transfer.frames()];
  assert.deepEqual(after, before);
  assert.notEqual(after[1], before[1]); // made anew, not kept
  subscriber.close();
});
