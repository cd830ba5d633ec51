/**
 * Many new routers in one go: from the first etcd put until every data plane serves all of them. And before it, the first
 * load: from the start of the control plane until the first data plane serves the last router.
 */
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { get } from "../test/support/fleet.ts";
import { LightNodes } from "../test/support/light-nodes.ts";
import { Followers } from "./followers.ts";
import { hostOf, type LoadedFleet, putAll, routerPairs, startLoadedFleet } from "./loaded-fleet.ts";

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      routers: { type: "string", default: "10000" },
      new: { type: "string", default: "1000" },
      followers: { type: "string", default: "49" },
      // These check every chunk and keep no state: what is measured then is the control plane, not 49 nodes on one processor.
      light: { type: "boolean", default: false },
      rounds: { type: "string", default: "3" },
    },
  });
  let routers = Number(values.routers);
  await using fleet = await startLoadedFleet({ routers, dataPlanes: 1 });
  print(`first load of ${routers} routers: ${(fleet.loadMs / 1_000).toFixed(1)} s`);
  const count = Number(values.followers);
  await using stack = new AsyncDisposableStack();
  const address = await fleet.controlPlane.address("stream");
  if (count > 0 && values.light) {
    const nodes = stack.use(new LightNodes({ address, count }));
    await nodes.untilReport("nodes loaded", ({ lowest }) => lowest !== "0", 120_000);
  } else if (count > 0) {
    stack.use(await Followers.start(address, count));
  }
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const tookMs = await addRouters(fleet, routers, Number(values.new), count + 1);
    routers += Number(values.new);
    print(`${values.new} new routers at ${count + 1} data planes: ${tookMs.toFixed(0)} ms`);
  }
}

/** Looked at while they arrive: asking for each of them would take longer than they do. */
const sample = 40;

/** Until a sample of them is served by the data plane that listens, and all hold what it holds and serve it. */
async function addRouters(
  fleet: LoadedFleet,
  first: number,
  count: number,
  nodes: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const startedAtMs = performance.now();
  await putAll(fleet.client, routerPairs(first, count));
  const answer = async (router: number) =>
    (await get(fleet.addresses[0] ?? "", { host: hostOf(router), agent })).body;
  for (let router = first + count - 1; router >= first; router -= sample) {
    while ((await answer(router)) !== "a");
  }
  const admin = await fleet.controlPlane.address("admin");
  while ((await inSync(admin, agent)) < nodes) await delay(2);
  const tookMs = performance.now() - startedAtMs;
  for (let router = first; router < first + count; router += 1) {
    if ((await answer(router)) !== "a") throw new Error(`${hostOf(router)} was not served`);
  }
  agent.destroy();
  return tookMs;
}

async function inSync(admin: string, agent: Agent): Promise<number> {
  const { body } = await get(admin, { path: "/api/fleet/status", agent });
  return JSON.parse(body).nodes.inSync;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
