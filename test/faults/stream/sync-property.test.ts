/**
 * Whatever happens to a node and to its stream, in the end it holds exactly what is committed. Sessions, subscriber,
 * transfers and publisher are the real ones; the transport is memory, so that thousands of sequences fit into seconds
 * (docs/reliability.md: S1).
 */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import type { Resource } from "../../../config-model/snapshot/resource.ts";
import { GenerationPublisher } from "../../../control-plane/snapshot-store/generation-publisher.ts";
import { NodeSessions } from "../../../control-plane/stream/node-sessions.ts";
import type { NodeStream, StreamEnd } from "../../../control-plane/stream/node-stream.ts";
import { FollowRequest, FollowResponse } from "../../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { MemorySnapshotStore } from "../../support/memory-snapshot-store.ts";
import { routerResource } from "../../support/resources.ts";
import {
  type NodeTransport,
  ScriptedDataPlane,
  type TransportHandlers,
} from "../../support/scripted-data-plane.ts";
import { silentLog } from "../../support/silent-log.ts";
import { faultTest } from "../support/fault-test.ts";

/** Messages arrive encoded, in order, a turn of the microtask queue later, and not after the stream has ended. */
function memoryDial(sessions: NodeSessions) {
  return ({ onMessage, onEnd }: TransportHandlers): NodeTransport => {
    let isOpen = true;
    const stream: NodeStream = {
      async send(frame) {
        await Promise.resolve();
        if (!isOpen) throw new Error("the stream has ended");
        onMessage(FollowResponse.decode(frame));
      },
      end(end?: StreamEnd) {
        queueMicrotask(() => {
          if (!isOpen) return;
          close();
          onEnd(
            end === undefined
              ? "closed"
              : Object.assign(new Error(end.details), { ...end, metadata: undefined as never }),
          );
        });
      },
    };
    const session = sessions.open(stream, "memory");
    const close = () => {
      isOpen = false;
      session.closed();
    };
    return {
      write(request) {
        const bytes = FollowRequest.encode(request).finish();
        queueMicrotask(() => {
          if (isOpen) session.receive(FollowRequest.decode(bytes));
        });
      },
      pause() {},
      resume() {},
      cancel: close,
    };
  };
}

async function startFleet() {
  const store = new MemorySnapshotStore("fleet-a", {
    upserts: [routerResource("a"), routerResource("b")],
    removals: [],
  });
  const publisher = new GenerationPublisher({ store, log: silentLog });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  const sessions = new NodeSessions({
    controlPlaneId: "control-plane-1",
    committed: publisher.committed,
    sourceOf: () => undefined,
    log: silentLog,
    times: {
      heartbeatMs: 60_000,
      silenceMs: 60_000,
      statusMs: 60_000,
      helloMs: 60_000,
      failureBackoff: { baseMs: 0, maxMs: 0 },
    },
  });
  return { publisher, sessions };
}

const name = fc.constantFrom("a", "b", "c", "d", "e");
function happens<Kind extends string>(weight: number, ...kinds: Kind[]) {
  return { weight, arbitrary: fc.record({ kind: fc.constantFrom(...kinds) }) };
}
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("set" as const), name, version: fc.nat(3) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), name }) },
  happens(3, "fail" as const, "mutate" as const, "heartbeat" as const),
  happens(2, "disconnect" as const, "loseState" as const, "claimOlder" as const, "mute" as const),
  happens(2, "rot" as const),
  happens(4, "connect" as const),
  happens(4, "turn" as const),
);
/** Long ones: few things happen to a node that was never connected. */
const operations = fc.array(operation, { minLength: 5, maxLength: 30, size: "max" });
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Scenario {
  readonly publisher: GenerationPublisher;
  readonly node: ScriptedDataPlane;
  #isConnected: boolean = false;

  constructor(publisher: GenerationPublisher, sessions: NodeSessions, isTrusting: boolean) {
    this.publisher = publisher;
    this.node = new ScriptedDataPlane({ dial: memoryDial(sessions), isTrusting });
  }

  connect(): void {
    if (this.#isConnected && this.node.ended === undefined) return;
    this.#isConnected = true;
    this.node.answers = true;
    this.node.connect();
  }

  disconnect(): void {
    this.#isConnected = false;
    this.node.disconnect();
  }

  async step(op: Operation): Promise<void> {
    const { node, publisher } = this;
    switch (op.kind) {
      case "set":
        publisher.publish({ upserts: [routerResource(op.name, op.version)], removals: [] });
        break;
      case "remove":
        publisher.publish({ upserts: [], removals: [routerResource(op.name)] });
        break;
      case "connect":
        this.connect();
        break;
      case "disconnect":
        this.disconnect();
        break;
      case "fail":
        node.onTransfer = () => {
          node.onTransfer = (delta) => delta;
          throw new Error("no worker could build it");
        };
        break;
      case "mutate": // the delta comes out wrong
        node.onTransfer = (delta) => {
          node.onTransfer = (unchanged) => unchanged;
          return { upserts: delta.upserts.slice(1), removals: [routerResource("a")] };
        };
        break;
      case "rot": // the state changes under the node, which does not know
        if (node.generation !== undefined) {
          node.state.apply({ upserts: [routerResource("b", "rotten")], removals: [] });
        }
        break;
      case "heartbeat":
        if (this.#isConnected) node.sendHeartbeat();
        break;
      case "loseState":
        this.disconnect();
        node.forget();
        break;
      case "claimOlder": // an older number with the newest content, as after a restored disk
        this.disconnect();
        if (node.generation !== undefined) node.generation = { ...node.generation, number: 1n };
        break;
      case "mute": // statuses are lost until it reconnects
        if (this.#isConnected) node.answers = false;
        break;
      case "turn":
        await turn();
        break;
    }
  }

  isInSync(): boolean {
    const { head } = this.publisher.committed;
    const digest = head?.digest;
    return (
      digest !== undefined &&
      Buffer.compare(this.node.digest, digest) === 0 &&
      this.node.generation?.number === head?.generation?.number
    );
  }

  /** What a live node does: it reconnects when its stream ends or was muted, and sends heartbeats. */
  async settle(): Promise<void> {
    if (!this.node.answers) this.disconnect();
    for (let attempt = 0; attempt < 200; attempt++) {
      this.connect();
      for (let turns = 0; turns < 3; turns++) await turn();
      if (this.isInSync()) return;
      this.node.sendHeartbeat();
    }
  }
}

/** One line for each resource, whatever the order they are held in. */
function linesOf(resources: Iterable<Resource>): string {
  return [...resources]
    .map(({ kind, name: key, payload }) => `${kind} ${key} ${Buffer.from(payload).toString("hex")}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join("\n");
}

async function endsInSync(
  startsConnected: boolean,
  steps: readonly Operation[],
  isTrusting: boolean,
) {
  const { publisher, sessions } = await startFleet();
  const scenario = new Scenario(publisher, sessions, isTrusting);
  try {
    if (startsConnected) await scenario.settle();
    for (const op of steps) await scenario.step(op);
    await scenario.settle();
    const { node } = scenario;
    assert.ok(scenario.isInSync(), `the node holds generation ${node.generation?.number}`);
    assert.equal(
      linesOf(node.state.resources()),
      linesOf(publisher.committed.full().upserts),
      "the node holds what is committed",
    );
    assert.notEqual(typeof node.ended === "object" && node.ended.code, status.FAILED_PRECONDITION);
  } finally {
    scenario.disconnect();
    sessions.drain();
    sessions.end();
    await publisher.stop();
  }
}

faultTest({
  id: "S1",
  title: "a node ends with what is committed, whatever happened to it and to its stream",
  guard: "the digest of what a node holds",
  run: async ({ size, guarded, context }) => {
    const outcome = await fc.check(
      fc.asyncProperty(fc.boolean(), operations, (startsConnected, steps) =>
        endsInSync(startsConnected, steps, !guarded),
      ),
      { numRuns: size === "full" ? 10_000 : 400 },
    );
    context.diagnostic(`seed ${outcome.seed}`);
    if (outcome.failed) assert.fail(fc.defaultReportMessage(outcome));
  },
});
