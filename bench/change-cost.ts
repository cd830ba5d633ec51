/**
 * What one changed router costs by number of routers that exist: CPU of the control plane and of a data plane, bytes on
 * the stream. All from outside the processes, the idle share taken off.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { get, served } from "../test/support/fleet.ts";
import { hostOf, type LoadedFleet, routeTo, startLoadedFleet } from "./loaded-fleet.ts";
import { processCpuMs } from "./process-cpu.ts";

interface Cost {
  readonly routers: number;
  readonly controlPlaneMs: number;
  readonly dataPlaneMs: number;
  readonly bytes: number;
}

interface Usage {
  readonly controlPlaneMs: number;
  readonly dataPlaneMs: number;
  readonly bytes: number;
}

/** Far enough apart that every change is a generation of its own. */
const changeEveryMs = 20;
const settleMs = 3_000;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      routers: { type: "string", default: "1000,10000,100000" },
      changes: { type: "string", default: "500" },
    },
  });
  const changes = Number(values.changes);
  const costs: Cost[] = [];
  for (const routers of values.routers.split(",").map(Number)) {
    await using fleet = await startLoadedFleet({ routers, dataPlanes: 1 });
    costs.push(await measure(fleet, routers, changes));
    print(costs.at(-1), costs[0]);
  }
}

async function measure(fleet: LoadedFleet, routers: number, changes: number): Promise<Cost> {
  await delay(settleMs);
  // Warms the path of a change up, so that 1,000 routers do not pay for the compiler of all sizes.
  await change(fleet, routers, 200);
  await delay(settleMs);
  const idle = await usageOver(fleet, () => delay(changes * changeEveryMs));
  const busy = await usageOver(fleet, () => change(fleet, routers, changes));
  return {
    routers,
    controlPlaneMs: (busy.controlPlaneMs - idle.controlPlaneMs) / changes,
    dataPlaneMs: (busy.dataPlaneMs - idle.dataPlaneMs) / changes,
    bytes: (busy.bytes - idle.bytes) / changes,
  };
}

async function usageOver(fleet: LoadedFleet, work: () => Promise<void>): Promise<Usage> {
  const before = usage(fleet);
  await work();
  const after = usage(fleet);
  return {
    controlPlaneMs: after.controlPlaneMs - before.controlPlaneMs,
    dataPlaneMs: after.dataPlaneMs - before.dataPlaneMs,
    bytes: after.bytes - before.bytes,
  };
}

function usage({ controlPlane, dataPlanes, relay }: LoadedFleet): Usage {
  return {
    controlPlaneMs: processCpuMs(controlPlane.pid),
    dataPlaneMs: processCpuMs(dataPlanes[0]?.pid ?? 0),
    bytes: relay.bytesToClient,
  };
}

/** Random routers move to service b and back; the last one is awaited, so that nothing is still under way. */
async function change(fleet: LoadedFleet, routers: number, changes: number): Promise<void> {
  const startedAtMs = performance.now();
  for (let index = 0; index < changes; index += 1) {
    const router = Math.floor(Math.random() * (routers - 1));
    await routeTo(fleet.client, router, index % 2 === 0 ? "b" : "a");
    const dueMs = startedAtMs + (index + 1) * changeEveryMs;
    await delay(Math.max(0, dueMs - performance.now()));
  }
  const last = routers - 1;
  const address = fleet.addresses[0] ?? "";
  const current = (await get(address, { host: hostOf(last) })).body;
  const other = current === "a" ? "b" : "a";
  await routeTo(fleet.client, last, other);
  await served(address, other, { host: hostOf(last) });
}

function print(cost: Cost | undefined, first: Cost | undefined): void {
  if (cost === undefined || first === undefined) return;
  const slope = (now: number, then: number) => `${(now / then).toFixed(2)}x`;
  process.stdout.write(
    `${String(cost.routers).padStart(7)} routers` +
      `  control plane ${cost.controlPlaneMs.toFixed(3)} ms/change (${slope(cost.controlPlaneMs, first.controlPlaneMs)})` +
      `  data plane ${cost.dataPlaneMs.toFixed(3)} ms/change (${slope(cost.dataPlaneMs, first.dataPlaneMs)})` +
      `  stream ${cost.bytes.toFixed(0)} bytes/change\n`,
  );
}
