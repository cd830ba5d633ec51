/** A generation of which a data plane cannot serve everything (docs/reliability.md: S8, S9, S10). */
import assert from "node:assert/strict";
import type { Resource } from "../../../config-model/snapshot/resource.ts";
import { encodeRule } from "../../../config-model/snapshot/rule-codec.ts";
import type { RejectionRule } from "../../../control-plane/stream/transfer-cache.ts";
import { HttpRouter } from "../../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  bodyResource,
  ruleOf,
  serviceOf,
  webEntryPoint,
} from "../../support/data-plane-resources.ts";
import { Fleet, get, Origin, Prober, served } from "../../support/fleet.ts";
import { FleetFixture } from "../../support/fleet-fixture.ts";
import { routerResource } from "../../support/resources.ts";
import { TestAgent } from "../../support/test-agent.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";
import { untilSettled } from "./support/followed-fleet.ts";

const broken = 500;
const nodeId = "node-1";

function routerTo(index: number, service: string, features: string[] = []): Resource {
  const value = HttpRouter.fromPartial({
    entryPoints: ["web"],
    rule: encodeRule(ruleOf(`Host(\`r${index}.example\`)`)),
    priority: 20n,
    service,
  });
  return bodyResource(`r${index}@etcd`, { $case: "httpRouter", value }, features);
}

function generationTo(service: string, features: string[] = []): Resource[] {
  return Array.from({ length: 1_000 }, (_, index) =>
    routerTo(index, service, index === broken ? features : []),
  );
}

/** A control plane's stream with a data plane process on it that serves 1,000 routers, probed all the time. */
async function startServing(rejection: RejectionRule) {
  const stack = new AsyncDisposableStack();
  const [a, b] = [stack.use(await Origin.start("a")), stack.use(await Origin.start("b"))];
  const port = ({ url }: Origin) => Number(new URL(url).port);
  const fixture = stack.use(
    await FleetFixture.start({
      resources: [
        webEntryPoint(),
        serviceOf("a@etcd", [port(a)]),
        serviceOf("b@etcd", [port(b)]),
        ...generationTo("a@etcd"),
      ],
      stream: { rejection },
    }),
  );
  const fleet = stack.use(await Fleet.create());
  const dataPlane = fleet.dataPlane({
    controlPlane: fixture.address,
    flags: [`--node-id=${nodeId}`],
  });
  const address = await dataPlane.address("entryPoint", "web");
  await served(address, "a", { host: "r1.example" });
  await untilSettled(fixture);
  const prober = stack.use(new Prober(address, { host: "r1.example" }));
  return {
    fixture,
    address,
    prober,
    status: () => fixture.service.status.node(nodeId),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What 50 routers drawn at random and those around the broken one answer. */
async function answers(address: string): Promise<Map<number, string>> {
  const drawn = Array.from({ length: 50 }, () => Math.floor(Math.random() * 1_000));
  const indexes = new Set([...drawn, broken - 1, broken, broken + 1]);
  const found = new Map<number, string>();
  for (const index of indexes) {
    found.set(index, (await get(address, { host: `r${index}.example` })).body);
  }
  return found;
}

async function untilAnswered(run: Awaited<ReturnType<typeof startServing>>): Promise<void> {
  await until("rejection", () => {
    const status = run.status();
    return (status?.rejected.length ?? 0) > 0 || (status?.refused.length ?? 0) > 0;
  });
}

faultTest({
  id: "S8",
  title: "one router of 1,000 that cannot be served harms nobody else, and its source key is named",
  guard: "the rule that isolates",
  run: async ({ guarded }) => {
    await using run = await startServing(guarded ? "isolate" : "strict");
    run.fixture.upsert(...generationTo("b@etcd", ["time-travel"]));
    await untilAnswered(run);
    for (const [index, body] of await answers(run.address)) {
      assert.equal(body, index === broken ? "a" : "b", `router ${index}`);
    }
    const [rejection, ...others] = run.status()?.rejected ?? [];
    assert.equal(others.length, 0);
    assert.equal(rejection?.reason, "it needs time-travel, which this version does not have");
    assert.deepEqual(rejection.source, {
      provider: "etcd",
      location: `traefik/http/r${broken}@etcd`,
    });
    run.fixture.upsert(routerTo(broken, "b@etcd"));
    await untilSettled(run.fixture, nodeId);
    await served(run.address, "b", { host: `r${broken}.example` });
    assert.deepEqual(run.status()?.rejected, []);
    await run.prober.stop();
    assert.deepEqual(run.prober.errors, []);
  },
});

faultTest({
  id: "S9",
  title: "under the strict rule it refuses the whole generation, which the status explains",
  guard: "the strict rule",
  run: async ({ guarded }) => {
    await using run = await startServing(guarded ? "strict" : "isolate");
    run.fixture.upsert(...generationTo("b@etcd", ["time-travel"]));
    await untilAnswered(run);
    for (const [index, body] of await answers(run.address)) assert.equal(body, "a", `${index}`);
    const status = run.status();
    assert.equal(status?.held?.generation.number, 1n);
    assert.equal(status.inSync, false);
    assert.equal(
      status.failure,
      `"r${broken}@etcd" cannot be served: it needs time-travel, which this version does not have`,
    );
    assert.deepEqual(
      status.refused.map(({ source }) => source?.location),
      [`traefik/http/r${broken}@etcd`],
    );
    const { fullTransfers, deltas } = run.fixture.service.counts;
    assert.deepEqual([fullTransfers, deltas], [1, 1], "it is not sent again and again");
    run.fixture.upsert(routerTo(broken, "b@etcd"));
    await untilSettled(run.fixture, nodeId);
    for (const [index, body] of await answers(run.address)) assert.equal(body, "b", `${index}`);
    assert.deepEqual(run.status()?.refused, []);
    await run.prober.stop();
    assert.deepEqual(run.prober.errors, []);
  },
});

faultTest({
  id: "S10",
  title: "a node that fails every time is sent one full transfer for each backoff",
  guard: "the backoff after a failure",
  run: async ({ size, guarded }) => {
    const baseMs = size === "full" ? 1_000 : 100;
    const backoff = guarded ? { baseMs, maxMs: baseMs } : { baseMs: 0, maxMs: 0 };
    await using fleet = await FleetFixture.start({
      resources: Array.from({ length: 10 }, (_, index) => routerResource(`r${index}@etcd`)),
      times: { failureBackoff: backoff },
    });
    const failures: number[] = [];
    fleet.service.status.onChange(() => {
      if (fleet.service.counts.failures > failures.length) failures.push(performance.now());
    });
    await using node = await TestAgent.start({ options: { controlPlanes: [fleet.address] } });
    node.worker(1).behaviour.failure = "out of memory";
    await until("five failures", () => failures.length >= 5, 60_000);
    for (const [index, at] of failures.slice(1, 5).entries()) {
      const gapMs = at - failures[index]!;
      assert.ok(gapMs >= baseMs / 2 - 5, `attempt ${index + 1} came after ${gapMs} ms`);
    }
    assert.equal(fleet.service.status.node(nodeId)?.failure, "out of memory");
    node.worker(1).behaviour.failure = undefined;
    await untilSettled(fleet);
    assert.equal(node.worker(1).serving.size, 10);
  },
});
