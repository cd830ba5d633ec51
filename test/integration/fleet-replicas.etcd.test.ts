/** Two control planes on one store, and a data plane that knows both, as processes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fleetCommand, killed, OutageWorld, page } from "../faults/outage/outage-world.ts";
import { within } from "../faults/support/within.ts";
import { TestEtcd } from "../support/etcd.ts";
import { freePort, type Program } from "../support/program.ts";

const routers = "traefik/http/routers/";
const leaseTtlSeconds = 2;

class Pair implements AsyncDisposable {
  readonly world: OutageWorld;
  readonly etcd: TestEtcd;
  readonly ports: readonly number[];

  private constructor(world: OutageWorld, etcd: TestEtcd, ports: readonly number[]) {
    this.world = world;
    this.etcd = etcd;
    this.ports = ports;
  }

  static async start(count = 0): Promise<Pair> {
    const world = await OutageWorld.start();
    const etcd = world.use(await TestEtcd.start());
    for (const { name, url } of world.origins) {
      await etcd.write({ [`traefik/http/services/${name}/loadBalancer/servers/0/url`]: url });
    }
    const names = ["steady", ...Array.from({ length: count }, (_, i) => `r${i}`)];
    for (const name of names) {
      await etcd.write({
        [`${routers}${name}/rule`]: `Host(\`${name}.test\`)`,
        [`${routers}${name}/service`]: "a",
      });
    }
    return new Pair(world, etcd, [await freePort(), await freePort()]);
  }

  controlPlane(index: 0 | 1, ...flags: readonly string[]): Program {
    return this.world.controlPlane({
      name: `control-plane-${index}`,
      streamPort: this.ports[index] ?? 0,
      parts: { leaseTtlSeconds, censusMs: 1_500 },
      flags: [`--providers.etcd.endpoints=${this.etcd.endpoint}`, ...flags],
    });
  }

  dataPlane(choice: { readonly port?: number; readonly nodeId?: string } = {}): Program {
    const controlPlanes = this.ports.map((port) => `127.0.0.1:${port}`).join(",");
    return this.world.dataPlane({ controlPlanes, stateDir: choice.nodeId ?? "node", ...choice });
  }

  async steady(service: "a" | "b"): Promise<void> {
    await this.etcd.write({ [`${routers}steady/service`]: service });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}

async function leads(controlPlane: Program): Promise<boolean> {
  return (await page(controlPlane, "/api/fleet/status"))["leading"] === true;
}

// Side by side, because they wait more than they work.
describe("two control planes on one store", { concurrency: 3 }, () => {
  test("a leader stopped by SIGTERM hands over: the next change is served within 1 s, nothing flaps", async (t) => {
    await using pair = await Pair.start();
    const { world } = pair;
    const first = pair.controlPlane(0);
    await within(15_000, "the first to lead", () => leads(first));
    const second = pair.controlPlane(1);
    const node = pair.dataPlane();
    await world.serves("a");
    await within(10_000, "the second to follow", async () => {
      return (await page(second, "/api/fleet/generation"))["generation"] !== null;
    });
    const prober = world.prober();
    first.kill("SIGTERM");
    await first.exited;
    await pair.steady("b");
    const tookMs = await world.serves("b");
    t.diagnostic(
      `SIGTERM: a change written when it had gone was served after ${tookMs.toFixed(0)} ms`,
    );
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
    assert.ok(await leads(second));
    const lines = node.lines.filter(({ msg }) => msg === "connected to the control plane");
    assert.ok(lines.length <= 2, "one move at most");

    const third = pair.controlPlane(0);
    await within(10_000, "the third to follow", async () => {
      return (await page(third, "/api/fleet/generation"))["generation"] !== null;
    });
    await killed(second);
    const killedAtMs = performance.now();
    await within((leaseTtlSeconds + 1) * 1_000, "a new leader", () => leads(third));
    t.diagnostic(
      `SIGKILL: led again after ${(performance.now() - killedAtMs).toFixed(0)} ms, TTL ${leaseTtlSeconds} s`,
    );
    await pair.steady("a");
    await world.serves("a");
    await prober.stop();
    assert.deepEqual(prober.errors, []);
    assert.deepEqual(new Set(prober.answers.map(({ body }) => body)), new Set(["a", "b"]));
  });

  test("a control plane with another static configuration does not lead until it is adopted", async () => {
    await using pair = await Pair.start();
    const { world } = pair;
    const first = pair.controlPlane(0);
    await within(15_000, "the first to lead", () => leads(first));
    const other = "--entryPoints.other.address=127.0.0.1:0";
    const second = pair.controlPlane(1, other);
    pair.dataPlane();
    await world.serves("a");
    await second.log(({ msg }) => msg.includes("static configuration differs"));
    await killed(first);
    const third = pair.controlPlane(0);
    await within(10_000, "the third to lead", () => leads(third));
    assert.equal(await leads(second), false);
    const status = await page(second, "/api/fleet/status");
    const { own, committed } = status["static"] as Record<string, string>;
    assert.notEqual(own, committed);
    await fleetCommand(world, second, ["static", "adopt"], "control-plane-1");
    await within(5_000, "the second to lead", () => leads(second));
    assert.equal(await leads(third), false);
    await third.log(({ msg }) => msg.includes("static configuration differs"), 10_000);
    await pair.steady("b");
    await world.serves("b");
  });

  test("one that is alone commits the static configuration it is started with", async () => {
    await using pair = await Pair.start();
    const first = pair.controlPlane(0);
    await within(15_000, "the first to lead", () => leads(first));
    first.kill("SIGTERM");
    await first.exited;
    const again = pair.controlPlane(0, "--entryPoints.other.address=127.0.0.1:0");
    await within(10_000, "it to lead", () => leads(again));
    const { static: state } = await page(again, "/api/fleet/status");
    const { own, committed } = state as Record<string, string>;
    assert.equal(own, committed);
  });

  test("a store restored from a backup goes on in a new epoch, beyond what nodes hold, and empties nobody", async () => {
    await using pair = await Pair.start(60);
    const { world, etcd } = pair;
    const first = pair.controlPlane(0);
    const node = pair.dataPlane();
    await world.serves("a", 15_000, "r59.test");
    const backup = await etcd.backUp();
    for (const service of ["b", "a", "b"] as const) {
      await pair.steady(service);
      await world.serves(service);
    }
    const before = await page(node, "/snapshot");
    const prober = world.prober();
    await killed(first);
    await etcd.restore(backup);
    await etcd.run();
    const back = pair.controlPlane(0);
    await back.log(({ msg }) => msg.includes("restored from a backup"), 20_000);
    await world.serves("a", 20_000);
    const after = await page(node, "/snapshot");
    assert.equal(after["epoch"], Number(before["epoch"]) + 1);
    assert.ok(Number(after["generation"]) > Number(before["generation"]));
    await pair.steady("b");
    await world.serves("b");
    await prober.stop();
    assert.deepEqual(prober.errors, []);
  });

  test("a restored store that lacks most of what nodes hold publishes nothing until it is confirmed", async () => {
    await using pair = await Pair.start();
    const { world, etcd } = pair;
    const first = pair.controlPlane(0);
    pair.dataPlane();
    await world.serves("a");
    const backup = await etcd.backUp();
    for (let i = 0; i < 60; i++) {
      await etcd.write({
        [`${routers}r${i}/rule`]: `Host(\`r${i}.test\`)`,
        [`${routers}r${i}/service`]: "a",
      });
    }
    await world.serves("a", 15_000, "r59.test");
    await killed(first);
    await etcd.restore(backup);
    await etcd.run();
    const back = pair.controlPlane(0);
    await back.log(({ msg }) => msg.includes("holds much less than the data planes"), 20_000);
    await world.serves("a", 1_000, "r59.test");
    const listed = await fleetCommand(world, back, ["guard", "list"], "control-plane-0");
    assert.match(listed, /the restored store lacks 60 of 61 routers/);
    const id = /^[0-9a-f]+/.exec(listed)?.[0] ?? "";
    await fleetCommand(world, back, ["guard", "confirm", id], "control-plane-0");
    await within(10_000, "what the store holds", async () => {
      return (await page(back, "/api/fleet/nodes").then((nodes) => JSON.stringify(nodes))).includes(
        '"inSync":true',
      );
    });
    await world.serves("404 page not found\n", 5_000, "r59.test");
  });

  test("a wiped store is another fleet: nodes keep what they hold until it adopts their fleet", async () => {
    await using pair = await Pair.start();
    const { world, etcd } = pair;
    const first = pair.controlPlane(0);
    pair.dataPlane();
    await world.serves("a");
    const { fleetId } = await page(first, "/api/fleet/generation");
    await killed(first);
    await etcd.ctl("del", "--prefix", "switchyard/");
    await pair.steady("b");
    const back = pair.controlPlane(0);
    await within(15_000, "it to lead", () => leads(back));
    await back.log(({ msg }) => msg === "data plane refused");
    await world.serves("a", 1_000);
    assert.notEqual((await page(back, "/api/fleet/generation"))["fleetId"], fleetId);
    await fleetCommand(world, back, ["adopt", String(fleetId)], "control-plane-0");
    await world.serves("b", 20_000);
    assert.equal((await page(back, "/api/fleet/generation"))["fleetId"], fleetId);
  });
});
