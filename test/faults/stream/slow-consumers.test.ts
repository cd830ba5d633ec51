/** Nodes that do not read, or read slowly (docs/reliability.md: B1, B2). */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { ResourceKind } from "../../../proto/gen/switchyard/fleet/v1/resource.ts";
import { FleetFixture } from "../../support/fleet-fixture.ts";
import { LightNodes } from "../../support/light-nodes.ts";
import { RateProxy } from "../../support/rate-proxy.ts";
import { resourceOf, routerResource } from "../../support/resources.ts";
import { grpcDial, ScriptedDataPlane } from "../../support/scripted-data-plane.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";

const megabyte = 1024 * 1024;

/** 8 MiB: far more than all buffers between two processes hold. */
function largeResources() {
  return Array.from({ length: 160 }, (_, index) =>
    resourceOf(ResourceKind.HTTP_MIDDLEWARE, `m${index}@etcd`, randomBytes(52_000)),
  );
}

function p99(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.ceil(samples.length * 0.99) - 1] ?? Number.NaN;
}

function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

faultTest({
  id: "B1",
  title:
    "a node that is stopped costs the others nothing, is cut off, and comes back with one transfer",
  guard: "the deadline for a frame to be taken",
  timeoutMs: 300_000,
  run: async ({ size, guarded, context }) => {
    const isFull = size === "full";
    const [count, pairs, perWindow] = isFull ? [49, 5, 50] : [9, 2, 10];
    const sendMs = 1_500;
    await using fleet = await FleetFixture.start({
      resources: [routerResource("r0@etcd")],
      times: {
        heartbeatMs: 2_000,
        silenceMs: 60_000,
        sendMs: guarded ? sendMs : 600_000,
      },
    });
    const { address } = fleet;
    await using others = new LightNodes({ address, count });
    await using stopped = new LightNodes({ address, count: 1, prefix: "stopped" });
    await Promise.all([others.reached(1n, 30_000), stopped.reached(1n, 30_000)]);
    let number = 1n;
    // What it reported is on its way here until then.
    const stoppedInSync = () =>
      until(
        "the stopped node in sync",
        () => {
          const { head } = fleet.publisher.committed;
          const status = fleet.service.status.node("stopped-0");
          return status?.inSync === true && status.held?.generation === head?.generation;
        },
        30_000,
      );
    await stoppedInSync();
    const publish = async (): Promise<number> => {
      number += 1n;
      const startedAtMs = Date.now();
      fleet.upsert(routerResource("r0@etcd", `${number}`));
      return (await others.reached(number)) - startedAtMs;
    };
    let grown = 0;
    const window = async (sign: 1 | -1): Promise<number> => {
      const rss = process.memoryUsage.rss();
      const times: number[] = [];
      for (let index = 0; index < perWindow; index++) times.push(await publish());
      grown += (sign * (process.memoryUsage.rss() - rss)) / megabyte;
      return p99(times);
    };
    await window(1); // warms up
    grown = 0;
    const ratios: number[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const running = await window(-1);
      stopped.kill("SIGSTOP");
      ratios.push(Math.max(1, await window(1)) / Math.max(1, running));
      stopped.kill("SIGCONT");
      await stoppedInSync();
    }
    context.diagnostic(
      `median ratio of p99 ${median(ratios).toFixed(2)}, ${grown.toFixed(1)} MB more in the windows with it stopped, ${number} generations`,
    );
    assert.ok(median(ratios) <= (isFull ? 1.2 : 4), `ratios ${ratios.join(", ")}`);
    assert.ok(grown <= (isFull ? 20 : 60), `${grown} MB more`);

    stopped.kill("SIGSTOP");
    const stoppedAtMs = performance.now();
    for (let large = 0; large < 3; large++) {
      number += 1n;
      fleet.upsert(...largeResources());
      await others.reached(number, 30_000);
    }
    const closed = await until(
      "the stopped node's end",
      () => {
        if (fleet.service.status.node("stopped-0") === undefined) return "closed";
        return performance.now() - stoppedAtMs > sendMs + 4_000 ? "open" : undefined;
      },
      30_000,
    );
    assert.equal(closed, "closed", `after ${performance.now() - stoppedAtMs} ms`);
    const { fullTransfers, deltas } = fleet.service.counts;
    stopped.kill("SIGCONT");
    await stoppedInSync();
    const transfers = fleet.service.counts.fullTransfers + fleet.service.counts.deltas;
    assert.equal(transfers - fullTransfers - deltas, 1, "one transfer brought it back");
  },
});

faultTest({
  id: "B2",
  title:
    "a narrow link carries a large snapshot while changes go on, then exactly one merged delta",
  guard: "a deadline for each frame that a slow link can meet",
  timeoutMs: 400_000,
  run: async ({ size, guarded }) => {
    const isFull = size === "full";
    const [bytes, rate] = isFull ? [10 * megabyte, 64 * 1024] : [1.5 * megabyte, 768 * 1024];
    const resources = Array.from({ length: bytes / 2_048 }, (_, index) =>
      resourceOf(ResourceKind.HTTP_MIDDLEWARE, `m${index}@etcd`, randomBytes(2_048)),
    );
    await using fleet = await FleetFixture.start({
      resources,
      times: {
        silenceMs: 60_000,
        sendMs: guarded ? 30_000 : 50,
      },
    });
    await using link = await RateProxy.start(fleet.address, rate);
    const { dial, close } = grpcDial(link.address);
    const node = new ScriptedDataPlane({ nodeId: "narrow", dial });
    node.connect();
    let version = 0;
    const changes = setInterval(() => {
      version += 1;
      fleet.upsert(routerResource(`r${version % 5}@etcd`, version));
    }, 100);
    const beats = setInterval(() => node.sendHeartbeat(), 1_000);
    try {
      const outcome = await until(
        "the large snapshot",
        () => (node.transfers.length > 0 ? "whole" : node.ended),
        isFull ? 350_000 : 30_000,
      );
      assert.equal(outcome, "whole", "the stream did not end before the snapshot had arrived");
      const [whole] = node.transfers;
      await until("a merged delta", () => node.transfers.length > 1);
      clearInterval(changes);
      const first = node.transfers[1]!;
      assert.equal(first.begin.base?.number, whole?.begin.generation?.number);
      const skipped =
        (first.begin.generation?.number ?? 0n) - (whole?.begin.generation?.number ?? 0n);
      assert.ok(skipped > 5n, `it merges ${skipped} generations`);
      assert.ok(first.delta.upserts.length <= 5, "each router once");
      await fleet.untilInSync(node);
      assert.ok(node.transfers.length <= 4, `${node.transfers.length} transfers`);
    } finally {
      clearInterval(changes);
      clearInterval(beats);
      node.disconnect();
      close();
    }
  },
});
