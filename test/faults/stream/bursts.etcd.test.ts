/** Many writes, writes for ever, and a first load (docs/reliability.md: B6, B7, B9). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { type HttpRouter, ResourceBody } from "../../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  changeParts,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../../support/data-plane-resources.ts";
import { TestEtcd } from "../../support/etcd.ts";
import { Fleet, get, served } from "../../support/fleet.ts";
import { freePort, Program } from "../../support/program.ts";
import { grpcDial, ScriptedDataPlane } from "../../support/scripted-data-plane.ts";
import { StateHarness, type StateHarnessOptions } from "../../support/state-harness.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";
import { loopDelayDuring } from "./support/loop-delay.ts";

/** The default of `providers.providersThrottleDuration`: what waits is served after this, whatever goes on. */
const throttleMs = 100;

/** etcd, a control plane on it as a process, and a scripted node. */
async function startPipeline(throttle: string) {
  const stack = new AsyncDisposableStack();
  const etcd = stack.use(await TestEtcd.start());
  const client = stack.adopt(new Etcd3({ hosts: etcd.endpoint }), (open) => open.close());
  await client
    .put("traefik/http/services/a/loadBalancer/servers/0/url")
    .value("http://127.0.0.1:9")
    .exec();
  const fleet = stack.use(await Fleet.create());
  const address = `127.0.0.1:${await freePort()}`;
  stack.use(
    new Program([
      "control-plane",
      `--state-dir=${join(fleet.directory, "control-plane")}`,
      `--fleet.stream.address=${address}`,
      "--fleet.admin.address=127.0.0.1:0",
      "--fleet.insecure=true",
      `--providers.providersThrottleDuration=${throttle}`,
      "--entryPoints.web.address=127.0.0.1:0",
      `--providers.etcd.endpoints=${etcd.endpoint}`,
    ]),
  );
  const { dial, close } = grpcDial(address);
  const node = new ScriptedDataPlane({ nodeId: "node-1", dial });
  stack.defer(close);
  stack.defer(() => node.disconnect());
  await until(
    "first generation",
    () => {
      if (node.ended !== undefined || node.messages.length === 0) node.connect();
      return delay(100).then(() => node.generation !== undefined);
    },
    20_000,
  );
  const beats = setInterval(() => node.sendHeartbeat(), 1_000);
  stack.defer(() => clearInterval(beats));
  return { client, node, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function write(client: Etcd3, router: string, rule: string): Promise<unknown> {
  return client
    .if("never", "Create", "==", 0)
    .then(
      client.put(`traefik/http/routers/${router}/rule`).value(`Host(\`${rule}\`)`),
      client.put(`traefik/http/routers/${router}/service`).value("a"),
    )
    .commit();
}

faultTest({
  id: "B6",
  title: "1,000 transactions in a second become few generations, the last served within a second",
  guard: "the throttle of a provider",
  timeoutMs: 60_000,
  run: async ({ guarded, context }) => {
    await using run = await startPipeline(guarded ? `${throttleMs}ms` : "0s");
    const { client, node } = run;
    const before = node.generation?.number ?? 0n;
    const startedAtMs = performance.now();
    for (let batch = 0; batch < 40; batch++) {
      await Promise.all(
        Array.from({ length: 25 }, (_, index) => {
          const router = `r${batch * 25 + index}`;
          return write(client, router, `${router}.example`);
        }),
      );
      await delay(Math.max(0, startedAtMs + (batch + 1) * 25 - performance.now()));
    }
    const lastAtMs = performance.now();
    const routers = () =>
      [...node.state.resources()].filter(({ name }) => /^r\d/.test(name)).length;
    await until("all routers", () => routers() === 1_000);
    const servedMs = performance.now() - lastAtMs;
    const generations = Number((node.generation?.number ?? 0n) - before);
    const allowed = 1 + Math.ceil((lastAtMs - startedAtMs + servedMs) / throttleMs);
    context.diagnostic(`${generations} generations, served after ${servedMs.toFixed(0)} ms`);
    assert.ok(generations <= allowed, `${generations} generations where ${allowed} are due`);
    assert.ok(servedMs <= 1_000, `${servedMs} ms after the last write`);
  },
});

faultTest({
  id: "B7",
  title: "writes that never end are served all the while, each within a second",
  guard: "the bound of what the throttle holds back",
  timeoutMs: 90_000,
  run: async ({ size, guarded, context }) => {
    await using run = await startPipeline(guarded ? `${throttleMs}ms` : "4s");
    const { client, node } = run;
    const writtenAtMs: number[] = [];
    let seen = -1;
    let oldestMs = 0;
    const look = () => {
      const found = [...node.state.resources()].find(({ name }) => name.startsWith("busy@"));
      if (found === undefined) return;
      const { body } = ResourceBody.decode(found.payload);
      assert.ok(body?.$case === "httpRouter");
      const version = versionOf(body.value);
      for (; seen < version; seen++) {
        oldestMs = Math.max(oldestMs, performance.now() - (writtenAtMs[seen + 1] ?? 0));
      }
    };
    const watching = setInterval(look, 5);
    const endsAtMs = performance.now() + (size === "full" ? 30_000 : 3_000);
    try {
      while (performance.now() < endsAtMs) {
        writtenAtMs.push(performance.now());
        await write(client, "busy", `v${writtenAtMs.length - 1}.example`);
      }
      const waiting = performance.now() - (writtenAtMs[seen + 1] ?? performance.now());
      const worstMs = Math.max(oldestMs, waiting);
      context.diagnostic(
        `${writtenAtMs.length} writes, the oldest served after ${worstMs.toFixed(0)} ms`,
      );
      assert.ok(worstMs <= 1_000, `a write was ${worstMs} ms old`);
      assert.ok(seen > 0);
    } finally {
      clearInterval(watching);
    }
  },
});

/** The number in a router's rule. */
function versionOf(router: HttpRouter): number {
  return Number(/v(\d+)\.example/.exec(JSON.stringify(router.rule))?.[1] ?? -1);
}

/** Peak of what a process had resident, in MB. */
function peakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** 50,000 routers from etcd into a control plane and a data plane, as processes. */
async function loadAll(routers: number): Promise<string> {
  await using etcd = await TestEtcd.start();
  const client = new Etcd3({ hosts: etcd.endpoint });
  await using fleet = await Fleet.create();
  await client
    .put("traefik/http/services/a/loadBalancer/servers/0/url")
    .value("http://127.0.0.1:9")
    .exec();
  for (let at = 0; at < routers; at += 480) {
    await Promise.all(
      Array.from({ length: 8 }, async (_, part) => {
        const first = at + part * 60;
        const indexes = Array.from({ length: 60 }, (__, index) => first + index).filter(
          (index) => index < routers,
        );
        if (indexes.length === 0) return;
        await client
          .if("never", "Create", "==", 0)
          .then(
            ...indexes.flatMap((index) => [
              client
                .put(`traefik/http/routers/r${index}/rule`)
                .value(`Host(\`r${index}.example\`)`),
              client.put(`traefik/http/routers/r${index}/service`).value("a"),
            ]),
          )
          .commit();
      }),
    );
  }
  client.close();
  const controlPlane = fleet.controlPlane(`--providers.etcd.endpoints=${etcd.endpoint}`);
  const dataPlane = fleet.dataPlane();
  const admin = await controlPlane.address("admin");
  let slowestMs = 0;
  let isLoading: boolean = true;
  const pinging = (async () => {
    while (isLoading) {
      const startedAtMs = performance.now();
      await get(admin, { path: "/ping" });
      slowestMs = Math.max(slowestMs, performance.now() - startedAtMs);
      await delay(2);
    }
  })();
  const address = await dataPlane.address("entryPoint", "web");
  await served(address, "Bad Gateway", { host: `r${routers - 1}.example` }, 60_000);
  isLoading = false;
  await pinging;
  const peak = peakMegabytes(controlPlane.pid);
  const figures = `control plane ${peak.toFixed(0)} MB, slowest answer ${slowestMs.toFixed(0)} ms`;
  assert.ok(peak <= 400, figures);
  assert.ok(slowestMs <= 50, figures);
  return figures;
}

/** Delay of the loop that carries traffic while a worker builds. */
function buildAll(parts: readonly Uint8Array[], options: StateHarnessOptions) {
  const { state } = new StateHarness(options);
  return loopDelayDuring(async () => {
    state.begin(true);
    for (const part of parts) {
      state.addPart(part); // as a worker gets them: each is a message of its own
      await turn();
    }
    assert.deepEqual(await state.build(), []);
    await state.switch();
  });
}

faultTest({
  id: "B9",
  title: "a first load of 50,000 routers keeps memory bounded and every loop turning",
  guard: "building in slices",
  timeoutMs: 180_000,
  run: async ({ size, guarded, context }) => {
    const isFull = size === "full";
    const routers = isFull ? 50_000 : 30_000;
    const resources = [
      webEntryPoint(),
      serviceOf("app", [80]),
      ...Array.from({ length: routers }, (_, index) =>
        routerOf(`r${index}@etcd`, { rule: `Host(\`r${index}.example\`)` }),
      ),
    ];
    const parts = changeParts(resources);
    const unsliced = await buildAll(parts, { sliceMs: Number.POSITIVE_INFINITY });
    const { p99Ms, maxMs } = guarded ? await buildAll(parts, {}) : unsliced;
    context.diagnostic(
      `traffic loop p99 ${p99Ms.toFixed(1)} ms, worst ${maxMs.toFixed(1)} ms; in one turn ${unsliced.maxMs.toFixed(0)} ms`,
    );
    assert.ok(
      maxMs <= unsliced.maxMs / 2,
      `it stood for ${maxMs} ms where one turn takes ${unsliced.maxMs} ms`,
    );
    if (!isFull) return;
    assert.ok(p99Ms <= 5, `p99 of the traffic loop's delay ${p99Ms} ms`);
    context.diagnostic(await loadAll(routers));
  },
});
