/** A control plane's stream over a store in memory: `ROUTERS ADDRESS GENERATIONS`, with an IPC channel to the bench. */
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { routerOf } from "../test/support/data-plane-resources.ts";
import { FleetFixture } from "../test/support/fleet-fixture.ts";
import { MemorySnapshotStore } from "../test/support/memory-snapshot-store.ts";

export type StreamProcessRequest =
  | { readonly kind: "change"; readonly router: number; readonly version: number }
  | { readonly kind: "resetDelay" }
  | { readonly kind: "figures" };

export type StreamProcessMessage =
  | { readonly kind: "listening"; readonly address: string }
  | {
      readonly kind: "figures";
      readonly rssMb: number;
      readonly peakMb: number;
      readonly delayP99Ms: number;
      readonly delayMaxMs: number;
      readonly inSync: number;
      readonly bytes: number;
    };

const [routers = "0", address = "127.0.0.1:0", generations = "1"] = process.argv.slice(2);
const resolutionMs = 2;
const loopDelay = monitorEventLoopDelay({ resolution: resolutionMs });
loopDelay.enable();

function router(index: number, version: number) {
  return routerOf(`r${index}@etcd`, {
    rule: `Host(\`r${index}.example.com\`)`,
    service: `service-${version}@etcd`,
  });
}

const store = new MemorySnapshotStore("fleet-a", {
  upserts: Array.from({ length: Number(routers) }, (_, index) => router(index, -1)),
  removals: [],
});
// What was changed before a restart is there after it, whoever made it.
for (let index = 0; index < Number(generations) - 1; index += 1) {
  store.commitByOther({ upserts: [router(index, index)], removals: [] });
}
const fleet = await FleetFixture.start({
  store,
  address,
  times: { heartbeatMs: 2_000, drainGraceMs: 2_000 },
});

function tell(message: StreamProcessMessage): void {
  process.send?.(message);
}

function peakMb(): number {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

function figures(): StreamProcessMessage {
  const ms = (ns: number) => Math.max(0, ns / 1e6 - resolutionMs);
  return {
    kind: "figures",
    rssMb: process.memoryUsage.rss() / 1_048_576,
    peakMb: peakMb(),
    delayP99Ms: ms(loopDelay.percentile(99)),
    delayMaxMs: ms(loopDelay.max),
    inSync: fleet.service.status.nodes().filter(({ inSync }) => inSync).length,
    bytes: fleet.service.counts.bytes,
  };
}

process.on("message", (request: StreamProcessRequest) => {
  if (request.kind === "change") fleet.upsert(router(request.router, request.version));
  if (request.kind === "resetDelay") loopDelay.reset();
  tell(figures());
});
process.on("disconnect", () => process.exit());
tell({ kind: "listening", address: fleet.address });
