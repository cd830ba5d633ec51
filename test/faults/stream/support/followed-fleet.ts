/** A control plane's stream and one agent on it, real on both sides, and what must hold for the two. */
import assert from "node:assert/strict";
import type { Resource } from "../../../../config-model/snapshot/resource.ts";
import type { FleetFixture } from "../../../support/fleet-fixture.ts";
import type { TestAgent } from "../../../support/test-agent.ts";
import { until } from "../../../support/until.ts";
import { plainDigest } from "./plain-digest.ts";

/** Until the control plane has heard that the node serves the newest generation, whatever it says it holds. */
export async function untilSettled(fleet: FleetFixture, nodeId = "node-1"): Promise<void> {
  await until("node settled", () => {
    const { head } = fleet.publisher.committed;
    const status = fleet.service.status.node(nodeId);
    return (
      fleet.publisher.isSettled && // what was published a moment ago is committed
      status?.serving === true &&
      status.held?.generation.number === head?.generation?.number &&
      status.failure === undefined
    );
  });
}

/** What the worker serves is byte for byte what is committed, by a digest computed apart from the product. */
export function assertServes(node: TestAgent, resources: Iterable<Resource>, when: string): void {
  assert.equal(plainDigest(node.worker(1).serving.values()), plainDigest(resources), when);
}

export function committedOf(fleet: FleetFixture): readonly Resource[] {
  return fleet.publisher.committed.full().upserts;
}

/** Both planes' own digests are that of the resources. */
export async function assertConverged(fleet: FleetFixture, node: TestAgent): Promise<void> {
  const committed = committedOf(fleet);
  assertServes(node, committed, "what the worker serves");
  const digest = plainDigest(committed);
  const { head } = fleet.publisher.committed;
  assert.equal(Buffer.from(head?.digest ?? []).toString("hex"), digest, "the control plane's");
  const snapshot = JSON.parse((await node.admin("/snapshot")).text) as { digest: string };
  assert.equal(snapshot.digest, digest, "the node's");
}
