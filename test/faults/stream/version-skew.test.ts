/**
 * Control planes and data planes one version apart (docs/reliability.md: S13). The fixture holds what the first version
 * of both put on the wire: a digest, a control plane's frames, a data plane's.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { decodeChangeList } from "../../../config-model/snapshot/change-list-codec.ts";
import {
  Compression,
  FollowRequest,
  FollowResponse,
  Phase,
} from "../../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceBody, ResourceKind } from "../../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  bodyResource,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../../support/data-plane-resources.ts";
import { FakeControlPlane } from "../../support/fake-control-plane.ts";
import { FleetFixture } from "../../support/fleet-fixture.ts";
import { resourceOf, routerResource } from "../../support/resources.ts";
import { grpcDial } from "../../support/scripted-data-plane.ts";
import { StateHarness } from "../../support/state-harness.ts";
import { TestAgent } from "../../support/test-agent.ts";
import { until } from "../../support/until.ts";
import { faultTest } from "../support/fault-test.ts";
import { assertServes, committedOf, untilSettled } from "./support/followed-fleet.ts";
import { plainDigest } from "./support/plain-digest.ts";

interface Fixture {
  readonly digest: string;
  readonly controlPlane: readonly string[];
  readonly dataPlane: {
    readonly hello: string;
    readonly resumed: string;
    readonly serving: readonly string[];
  };
}

const fixture = JSON.parse(
  readFileSync(new URL("fixtures/first-version.json", import.meta.url), "utf8"),
) as Fixture;

function requestOf(hex: string): FollowRequest {
  return FollowRequest.decode(Buffer.from(hex, "hex"));
}

/** What the first version's control plane sent, as resources. */
function firstGeneration() {
  const messages = fixture.controlPlane.map((hex) =>
    FollowResponse.decode(Buffer.from(hex, "hex")),
  );
  const chunk = messages
    .map(({ message }) => message)
    .find((message) => message?.$case === "chunk");
  assert.ok(chunk?.$case === "chunk");
  return { messages, changes: chunk.value.changes };
}

async function newNodeOnOldControlPlane(): Promise<void> {
  const { messages } = firstGeneration();
  await using controlPlane = await new FakeControlPlane().start();
  await using node = await TestAgent.start({ options: { controlPlanes: [controlPlane.address] } });
  const stream = await controlPlane.stream();
  await stream.hello();
  for (const { message } of messages) {
    if (message !== undefined && message.$case !== "drain") stream.send(message);
  }
  const serving = await stream.status(1n, Phase.SERVING);
  assert.equal(serving.digest.toString("hex"), fixture.digest);
  assert.equal(plainDigest(node.worker(1).serving.values()), fixture.digest);
  const drain = messages.at(-1)?.message;
  assert.ok(drain?.$case === "drain");
  stream.send(drain);
  await controlPlane.stream(1); // it comes back after the delay it was given, alternates or none
}

async function oldNodeOnNewControlPlane(): Promise<void> {
  await using fleet = await FleetFixture.start({
    resources: Array.from({ length: 3_000 }, (_, index) => routerResource(`r${index}@etcd`)),
  });
  const { dial, close } = grpcDial(fleet.address);
  const messages: FollowResponse[] = [];
  const transport = dial({ onMessage: (message) => void messages.push(message), onEnd() {} });
  try {
    transport.write(requestOf(fixture.dataPlane.hello));
    await until("commit", () => messages.some(({ message }) => message?.$case === "commit"));
    for (const { message } of messages) {
      if (message?.$case === "welcome") assert.equal(message.value.protocol, 1);
      if (message?.$case !== "chunk") continue;
      // What it does not know it would skip: a compressed chunk would look like a broken one.
      assert.equal(message.value.compression, Compression.UNSPECIFIED);
      assert.equal(message.value.uncompressedBytes, 0);
    }
    assert.equal(fleet.service.status.node("first-version")?.version, "0.1.0");
  } finally {
    transport.cancel();
    close();
  }
}

/** Old statuses count, and a node that holds the newest state is sent nothing. */
async function oldNodeResumes(): Promise<void> {
  const { changes } = firstGeneration();
  const { upserts } = decodeChangeList(changes);
  await using fleet = await FleetFixture.start({
    resources: upserts.map(({ kind, name, payload }) => resourceOf(kind, name, payload)),
  });
  const { dial, close } = grpcDial(fleet.address);
  const transport = dial({ onMessage() {}, onEnd() {} });
  try {
    transport.write(requestOf(fixture.dataPlane.resumed));
    for (const serving of fixture.dataPlane.serving) transport.write(requestOf(serving));
    await until("in sync", () => fleet.service.status.node("first-version")?.inSync);
    assert.equal(fleet.service.counts.bytes, 0);
  } finally {
    transport.cancel();
    close();
  }
}

/** A rolling upgrade of two control planes: the node moves over and back, and is sent nothing it has. */
async function upgradeTwoControlPlanes(): Promise<void> {
  const resources = [webEntryPoint(), serviceOf("app", [80]), routerOf("r1@etcd")];
  const [one, two] = [
    await FleetFixture.start({ resources }),
    await FleetFixture.start({ resources }),
  ];
  const addresses = [one.address, two.address];
  const node = await TestAgent.start({ options: { controlPlanes: addresses } });
  let upgraded: FleetFixture | undefined;
  try {
    await untilSettled(one);
    await one.service.stop();
    await untilSettled(two);
    upgraded = await FleetFixture.start({ store: one.store, address: addresses[0]! });
    await two.service.stop();
    await untilSettled(upgraded);
    const republished = [one, two, upgraded].map(({ service }) => service.counts.fullTransfers);
    assert.deepEqual(republished, [1, 0, 0], "only the first load was everything");
    assertServes(node, committedOf(upgraded), "after the upgrade");
  } finally {
    await node[Symbol.asyncDispose]();
    for (const fleet of [one, two, upgraded]) await fleet?.[Symbol.asyncDispose]();
  }
}

faultTest({
  id: "S13",
  title: "planes one version apart understand each other, and what a node lacks it rejects",
  guard: "the features a resource names",
  run: async ({ guarded }) => {
    await newNodeOnOldControlPlane();
    await oldNodeOnNewControlPlane();
    await oldNodeResumes();
    await upgradeTwoControlPlanes();
    const state = new StateHarness();
    const router = (service: string, features: string[]) => {
      const { payload } = routerOf("new@etcd", { rule: "Path(`/new`)", service });
      return { payload, service, features };
    };
    const old = router("a", []);
    await state.apply(
      [
        webEntryPoint(),
        serviceOf("a", [81]),
        serviceOf("b", [82]),
        resourceOf(ResourceKind.HTTP_ROUTER, "new@etcd", old.payload),
      ],
      { full: true },
    );
    assert.equal(state.ask({ path: "/new" }), "200 127.0.0.1:81/new");
    const { body } = ResourceBody.decode(router("b", []).payload);
    assert.ok(body);
    const rejected = await state.apply([
      bodyResource("new@etcd", body, guarded ? ["time-travel"] : []),
    ]);
    assert.deepEqual(
      rejected.map(({ name, reason }) => [name, reason]),
      [["new@etcd", "it needs time-travel, which this version does not have"]],
    );
    assert.equal(state.ask({ path: "/new" }), "200 127.0.0.1:81/new", "its last good version");
  },
});
