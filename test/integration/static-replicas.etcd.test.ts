/** SIGHUP with several control planes on one store: entry points change when an operator says so, and nobody is hurt. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fleetCommand, OutageWorld, page } from "../faults/outage/outage-world.ts";
import { within } from "../faults/support/within.ts";
import { TestEtcd } from "../support/etcd.ts";
import { get, Prober, served } from "../support/fleet.ts";
import { freePort, Program } from "../support/program.ts";

async function leads(controlPlane: Program): Promise<boolean> {
  return (await page(controlPlane, "/api/fleet/status"))["leading"] === true;
}

test("SIGHUP with another static configuration counts once it is adopted, traffic going on meanwhile", async (t) => {
  await using world = await OutageWorld.start();
  const etcd = world.use(await TestEtcd.start());
  const [origin] = world.origins;
  await etcd.write({
    "traefik/http/services/a/loadBalancer/servers/0/url": origin?.url ?? "",
    "traefik/http/routers/all/rule": "PathPrefix(`/`)",
    "traefik/http/routers/all/service": "a",
  });
  const streams = [await freePort(), await freePort()] as const;
  const [steady, before, after] = [await freePort(), await freePort(), await freePort()];
  const names = ["control-plane-0", "control-plane-1"] as const;
  const write = (replica: 0 | 1, moved: number) =>
    writeFile(
      join(world.directory, `${names[replica]}.yml`),
      `entryPoints:
  steady: { address: "127.0.0.1:${steady}" }
  moved: { address: "127.0.0.1:${moved}" }
providers: { providersThrottleDuration: 0, etcd: { endpoints: ["${etcd.endpoint}"] } }
fleet:
  stream: { address: "127.0.0.1:${streams[replica]}" }
  admin: { address: "127.0.0.1:0" }
  insecure: true
`,
    );
  const start = async (replica: 0 | 1) => {
    await write(replica, before);
    const name = names[replica];
    return world.use(
      new Program([
        "control-plane",
        `--configFile=${join(world.directory, `${name}.yml`)}`,
        `--state-dir=${join(world.directory, name)}`,
      ]),
    );
  };
  const first = await start(0);
  await within(15_000, "the first to lead", () => leads(first));
  const second = await start(1);
  await within(15_000, "the second to follow", async () => {
    return (await page(second, "/api/fleet/generation"))["generation"] !== null;
  });
  world.use(
    new Program([
      "data-plane",
      `--control-plane=127.0.0.1:${streams[0]},127.0.0.1:${streams[1]}`,
      `--state-dir=${join(world.directory, "node")}`,
      "--insecure",
      "--workers=1",
      "--admin=127.0.0.1:0",
    ]),
  );
  for (const port of [steady, before]) await served(`127.0.0.1:${port}`, "a");
  await using prober = new Prober(`127.0.0.1:${steady}`);

  // One file after the other, as a rollout would; neither replica may decide alone.
  for (const [replica, controlPlane] of [[1, second] as const, [0, first] as const]) {
    await write(replica, after);
    controlPlane.kill("SIGHUP");
    await controlPlane.log(({ msg }) => msg.includes("static configuration differs"), 15_000);
  }
  assert.equal(await leads(first), false, "who led has stepped aside");
  assert.equal((await get(`127.0.0.1:${before}`)).body, "a", "what was committed serves on");
  const adoptedAtMs = performance.now();
  await fleetCommand(world, second, ["static", "adopt"], names[1]);
  await served(`127.0.0.1:${after}`, "a");
  t.diagnostic(`adopted and served after ${(performance.now() - adoptedAtMs).toFixed(0)} ms`);
  await within(5_000, "the old address to close", async () => {
    return get(`127.0.0.1:${before}`).then(
      () => false,
      ({ code }) => code === "ECONNREFUSED",
    );
  });
  await within(10_000, "one of them to lead", async () => {
    return (await leads(first)) !== (await leads(second));
  });
  for (const controlPlane of [first, second]) {
    const { static: state } = await page(controlPlane, "/api/fleet/status");
    const { own, committed, isWaiting } = state as Record<string, unknown>;
    assert.deepEqual([own === committed, isWaiting], [true, false]);
  }
  await prober.stop();
  assert.deepEqual(prober.errors, []);
});
