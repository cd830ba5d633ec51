/** From an etcd put to its first served answer, by number of routers and data planes, idle and under request load. */
import { Agent } from "node:http";
import { parseArgs } from "node:util";
import { get, Prober } from "../test/support/fleet.ts";
import { Followers } from "./followers.ts";
import { hostOf, type LoadedFleet, routeTo, startLoadedFleet } from "./loaded-fleet.ts";
import { quantile } from "./statistics.ts";

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      routers: { type: "string", default: "1000,10000,100000" },
      "data-planes": { type: "string", default: "1" },
      // Further data planes that decode, prove and build but listen nowhere, in one process.
      followers: { type: "string", default: "0" },
      changes: { type: "string", default: "200" },
      load: { type: "string", default: "500" },
    },
  });
  const changes = Number(values.changes);
  for (const routers of values.routers.split(",").map(Number)) {
    await using fleet = await startLoadedFleet({
      routers,
      dataPlanes: Number(values["data-planes"]),
    });
    const count = Number(values.followers);
    await using stack = new AsyncDisposableStack();
    const followers =
      count === 0
        ? undefined
        : stack.use(await Followers.start(await fleet.controlPlane.address("stream"), count));
    const what = count === 0 ? "" : `, ${count} followers`;
    const measured = (puts?: number[], times = changes) =>
      measure({ fleet, followers, routers, changes: times, ...(puts && { puts }) });
    await measured(undefined, 20); // warms up
    const puts: number[] = [];
    print(routers, fleet, `idle${what}`, await measured(puts));
    await using prober = new Prober(fleet.addresses[0] ?? "", {
      perSecond: Number(values.load),
      host: hostOf(1),
    });
    const underLoad = await measured(puts);
    await prober.stop();
    const outcome = `${values.load} requests/s${what}, ${prober.errors.length} of ${prober.answers.length} failed`;
    print(routers, fleet, outcome, underLoad);
    process.stdout.write(
      `${" ".repeat(9)}of which etcd's own put: p50 ${quantile(puts, 0.5).toFixed(1)} ms, p99 ${quantile(puts, 0.99).toFixed(1)} ms\n`,
    );
  }
}

/** Times until the last data plane serves it, in ms. */
async function measure({
  fleet,
  followers,
  routers,
  changes,
  puts = [],
}: {
  readonly fleet: LoadedFleet;
  readonly followers: Followers | undefined;
  readonly routers: number;
  readonly changes: number;
  readonly puts?: number[];
}): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  for (let index = 0; index < changes; index += 1) {
    const router = Math.floor(Math.random() * routers);
    const host = hostOf(router);
    const from = (await get(fleet.addresses[0] ?? "", { host, agent })).body;
    const to = from === "a" ? "b" : "a";
    // One put is one generation: it is awaited before the next.
    const due = (followers?.served ?? 0) + 1;
    const startedAtMs = performance.now();
    const put = routeTo(fleet.client, router, to).then(
      () => void puts.push(performance.now() - startedAtMs),
    );
    await Promise.all([
      ...fleet.addresses.map((address) => untilServed(address, host, to, agent)),
      followers?.untilServed(due),
    ]);
    times.push(performance.now() - startedAtMs);
    await put;
  }
  agent.destroy();
  return times;
}

async function untilServed(
  address: string,
  host: string,
  body: string,
  agent: Agent,
): Promise<void> {
  while ((await get(address, { host, agent })).body !== body);
}

function print(routers: number, fleet: LoadedFleet, load: string, times: readonly number[]): void {
  const ms = (share: number) => `${quantile(times, share).toFixed(1)} ms`;
  process.stdout.write(
    `${String(routers).padStart(7)} routers, ${fleet.dataPlanes.length} data planes, ${load}:` +
      ` p50 ${ms(0.5)}, p99 ${ms(0.99)}, max ${ms(1)}\n`,
  );
}
