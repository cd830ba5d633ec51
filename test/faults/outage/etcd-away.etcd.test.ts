/** An etcd that is down, half read, or emptied by mistake. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { TestEtcd } from "../../support/etcd.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { get } from "../../support/fleet.ts";
import { grpcDial, ScriptedDataPlane } from "../../support/scripted-data-plane.ts";
import { faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";
import { fleetCommand, killed, metric, OutageWorld, page } from "./outage-world.ts";

const routers = "traefik/http/routers/";

async function etcdWorld(count: number): Promise<{ world: OutageWorld; etcd: TestEtcd }> {
  const world = await OutageWorld.start();
  const etcd = world.use(await TestEtcd.start());
  await fillEtcd(world, etcd, count);
  return { world, etcd };
}

/** Router `steady` and `count` others, all to service `a`. */
async function fillEtcd({ origins }: OutageWorld, etcd: TestEtcd, count: number): Promise<void> {
  for (const { name, url } of origins) {
    await etcd.write({ [`traefik/http/services/${name}/loadBalancer/servers/0/url`]: url });
  }
  const names = ["steady", ...Array.from({ length: count }, (_, i) => `r${i}`)];
  for (let at = 0; at < names.length; at += 50) {
    const pairs = names.slice(at, at + 50).flatMap((name) => [
      [`${routers}${name}/rule`, `Host(\`${name}.test\`)`],
      [`${routers}${name}/service`, "a"],
    ]);
    await etcd.write(Object.fromEntries(pairs));
  }
}

/** What a node that holds nothing is offered: a generation, or why it is sent away. */
async function offer(world: OutageWorld): Promise<string> {
  const { dial, close } = grpcDial(`127.0.0.1:${world.streamPort}`);
  const node = new ScriptedDataPlane({ nodeId: "newcomer", dial });
  try {
    node.connect();
    await within(20_000, "an answer", () => {
      return node.ended !== undefined || node.messages.length > 1;
    });
    if (node.messages.some(({ message }) => message?.$case === "begin")) {
      await within(20_000, "all of it", () => node.transfers.length > 0);
    }
    if (node.transfers.length > 0) return `generation with ${node.state.size} resources`;
    return node.ended === undefined || node.ended === "closed" ? "nothing" : node.ended.details;
  } finally {
    node.disconnect();
    close();
  }
}

faultTest({
  id: "O5",
  title: "etcd down and the control plane started anew: nothing is offered, data planes serve on",
  guard: "offering nothing before the store is read",
  run: async ({ context, size, guarded }) => {
    const { world, etcd } = await etcdWorld(size === "full" ? 1_000 : 20);
    await using _ = world;
    const flags = [`--providers.etcd.endpoints=${etcd.endpoint}`];
    const controlPlane = world.controlPlane({ flags });
    const node = world.dataPlane();
    await world.serves("a");
    const prober = world.prober();
    await etcd.kill();
    await killed(controlPlane);
    const parts = guarded ? {} : { parts: { offersUnread: true } };
    const back = world.controlPlane({ flags, ...parts });
    await back.address("stream");
    await back.log(({ msg, level }) => level >= 40 && msg.includes("etcd"));
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.match(await offer(world), /has not read its store yet/);
    }
    assert.equal((await page(back, "/api/fleet/generation"))["generation"], null);
    await world.serves("a", 1_000);
    const before = await page(node, "/snapshot");
    await etcd.run();
    await etcd.write({ [`${routers}steady/service`]: "b" });
    const tookMs = await world.serves("b", 20_000);
    await prober.stop();
    assert.deepEqual(prober.errors, []);
    const after = await page(node, "/snapshot");
    assert.ok(Number(after["generation"]) > Number(before["generation"]));
    context.diagnostic(`a change after etcd is back: served within ${tookMs.toFixed(0)} ms`);
  },
});

faultTest({
  id: "O6",
  title:
    "a control plane started with an etcd that is cut midway: no offer until it has been read whole",
  guard: "waiting for sources to be read whole",
  run: async ({ context, size, guarded }) => {
    const count = size === "full" ? 20_000 : 1_000;
    const { world, etcd } = await etcdWorld(count);
    await using _ = world;
    const proxy = world.use(await FaultProxy.start(etcd.port));
    // Every connection ends somewhere in the list, whatever page it has come to.
    proxy.cutAfterBytes = 40_000;
    const flags = [
      `--providers.etcd.endpoints=${proxy.endpoint}`,
      `--fleet.store.etcd.endpoints=${etcd.endpoint}`,
    ];
    const controlPlane = world.controlPlane({
      flags,
      ...(!guarded && { parts: { awaitsSources: false } }),
    });
    await controlPlane.log(({ msg, level }) => level >= 40 && /provider|etcd/i.test(msg));
    const reached = proxy.accepted;
    await within(15_000, "more attempts", () => proxy.accepted >= reached + 2);
    assert.equal(await offer(world), "nothing");
    assert.equal((await page(controlPlane, "/api/fleet/generation"))["generation"], null);
    proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
    const tookMs = await within(size === "full" ? 60_000 : 20_000, "the whole of it", async () => {
      await delay(50); // what is waited for has work to do on the same processors
      return (await page(controlPlane, "/api/fleet/generation"))["generation"] !== null;
    });
    const offered = await offer(world);
    const held = Number(/\d+/.exec(offered)?.[0]);
    assert.ok(held >= count + 3, `${offered} where etcd has ${count + 3} objects`);
    context.diagnostic(`${offered} ${tookMs.toFixed(0)} ms after the last cut`);
  },
});

faultTest({
  id: "O7",
  title:
    "the prefix deleted by mistake: held and shown, still served; ends when it is back, or by confirmation",
  guard: "the mass-removal guard",
  run: async ({ context, size, guarded }) => {
    const count = size === "full" ? 10_000 : 60;
    const { world, etcd } = await etcdWorld(count);
    await using _ = world;
    const flags = [`--providers.etcd.endpoints=${etcd.endpoint}`];
    if (!guarded) flags.push("--fleet.guard.removals=100%");
    const controlPlane = world.controlPlane({ flags });
    world.dataPlane();
    await world.serves("a");
    await world.serves("a", 10_000, "r7.test");
    const prober = world.prober();
    const held = async () => await metric(controlPlane, "switchyard_guard_held_objects");
    await etcd.ctl("del", "--prefix", "traefik/");
    const heldAfterMs = await within(5_000, "a hold", async () => (await held()) >= count);
    const shown = await fleetCommand(world, controlPlane, ["guard", "list"]);
    assert.match(
      shown,
      new RegExp(`open  etcd  held removals: ${count + 1} of ${count + 1} routers`),
    );
    assert.ok(controlPlane.lines.some(({ msg, level }) => level === 50 && /held/.test(msg)));
    const status = await page(controlPlane, "/api/fleet/status");
    assert.equal((status["holds"] as unknown[]).length, 1);
    await world.serves("a", 1_000, "r7.test");

    const [, b] = world.origins;
    await etcd.write({
      "traefik/http/services/new/loadBalancer/servers/0/url": b.url,
      [`${routers}added/rule`]: "Host(`added.test`)",
      [`${routers}added/service`]: "new",
    });
    const addedMs = await world.serves("b", 5_000, "added.test");
    await fillEtcd(world, etcd, count);
    await within(5_000, "the end of the hold", async () => !((await held()) > 0));
    assert.equal(
      await fleetCommand(world, controlPlane, ["guard", "list"]),
      "No removals are held.",
    );
    await prober.stop();
    assert.deepEqual(prober.errors, []);

    await etcd.ctl("del", "--prefix", "traefik/");
    await within(5_000, "another hold", async () => (await held()) >= count);
    const id = /^[0-9a-f]+/.exec(await fleetCommand(world, controlPlane, ["guard", "list"]))?.[0];
    // It can be decided about once it is in the store.
    await within(5_000, "the confirmation", async () => {
      const said = await fleetCommand(world, controlPlane, ["guard", "confirm", id ?? ""]).catch(
        String,
      );
      return said.includes("confirmed");
    });
    await within(5_000, "404 for what is gone", async () => {
      return (await get(world.address, { host: "r7.test" })).status === 404;
    });
    context.diagnostic(
      `held after ${heldAfterMs.toFixed(0)} ms; an addition served after ${addedMs.toFixed(0)} ms; ${prober.answers.length} requests, no error`,
    );
  },
});
