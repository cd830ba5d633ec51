import assert from "node:assert/strict";
import { test } from "node:test";
import type { FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { ControlPlaneContact } from "./control-plane-contact.ts";
import { followSnapshots } from "./follow-snapshots.ts";
import { type SnapshotStream, StreamBrokenError, StreamRefusedError } from "./snapshot-stream.ts";

type Message = NonNullable<FollowResponse["message"]>;

const welcome: Message = {
  $case: "welcome",
  value: { protocol: 1, controlPlaneId: "cp", heartbeatIntervalMs: 60_000 },
};
const running = {
  generation: { fleetId: "f", epoch: 1n, number: 5n },
  digest: Buffer.alloc(32, 5),
  sources: new Map(),
};
const confirmation: Message = { $case: "heartbeat", value: running };

/** Follows a script, one entry per connection: what the control plane says before the stream breaks, or how it fails. */
async function follow(script: readonly (readonly Message[] | Error)[], addresses = ["one:1"]) {
  const log = new RecordingLog();
  const seen = { dialled: [] as string[], waitsMs: [] as number[], log };
  const connections = script.values();
  const stop = new AbortController();
  await followSnapshots(
    {
      addresses,
      open(address): SnapshotStream {
        const { value: entry } = connections.next();
        if (entry === undefined) stop.abort();
        else seen.dialled.push(address);
        async function* messages(): AsyncGenerator<FollowResponse> {
          if (entry === undefined) return;
          if (entry instanceof Error) throw entry;
          for (const message of entry) yield { message };
          throw new StreamBrokenError("connection reset");
        }
        return {
          messages: messages(),
          isWritable: true,
          send() {},
          expectSilence() {},
          end() {},
          close() {},
        };
      },
      node: {
        running,
        isServing: true,
        warning: "",
        rejected: () => [],
        heldObjects: () => [],
        apply: async () => {},
        onConditionChange() {},
      },
      identity: { nodeId: "n", incarnation: 1n, labels: [], version: "0" },
      contact: new ControlPlaneContact(),
      adoptFleet: undefined,
      backoff: { baseMs: 100, maxMs: 400 },
      stallMs: 8_000,
      failedStallMs: 80_000,
      behindMs: 30_000,
      log,
      wait: async (ms) => void seen.waitsMs.push(ms),
      random: () => 1,
    },
    stop.signal,
  );
  return seen;
}

const down = new StreamBrokenError("connect ECONNREFUSED");

test("followSnapshots() doubles its wait up to the cap, until a stream has proven useful", async () => {
  const { waitsMs } = await follow([down, down, down, down, [welcome, confirmation], down]);
  assert.deepEqual(waitsMs, [100, 200, 400, 400, 100, 200]);
});

test("followSnapshots() takes no welcome alone for a proof: a stream that is always cut does not spin", async () => {
  const { waitsMs } = await follow([[welcome], [welcome], [welcome], [welcome]]);
  assert.deepEqual(waitsMs, [100, 200, 400, 400]);
});

test("followSnapshots() tries its addresses in turn, and waits longer only after a whole round", async () => {
  const { dialled, waitsMs } = await follow([down, down, down, down], ["one:1", "two:2"]);
  assert.deepEqual(dialled, ["one:1", "two:2", "one:1", "two:2"]);
  assert.deepEqual(waitsMs, [100, 100, 200, 200]);
});

test("followSnapshots() waits as long as a control plane that drains asks", async () => {
  const drain: Message = { $case: "drain", value: { reconnectAfterMs: 1_234, alternates: [] } };
  const { waitsMs } = await follow([[welcome, drain]]);
  assert.deepEqual(waitsMs, [1_234]);
});

test("followSnapshots() tries the addresses it was given by a control plane that drains first, once each", async () => {
  const alternates = ["three:3", "unix:/other", "one:1", "four:4", "nonsense"];
  const drain: Message = { $case: "drain", value: { reconnectAfterMs: 1, alternates } };
  const { dialled } = await follow([[welcome, drain], down, down, down, down], ["one:1", "two:2"]);
  assert.deepEqual(dialled, ["one:1", "three:3", "four:4", "two:2", "one:1"]);
});

test("followSnapshots() says each reason once, and again after the address was good for something", async () => {
  const refused = new StreamRefusedError("unknown group");
  const { log } = await follow([down, down, refused, refused, [welcome, confirmation], down]);
  assert.deepEqual(
    log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields["reason"]),
    ["connect ECONNREFUSED", "unknown group", "connection reset", "connect ECONNREFUSED"],
  );
});

test("followSnapshots() refuses a control plane of another protocol", async () => {
  const other: Message = {
    $case: "welcome",
    value: { protocol: 2, controlPlaneId: "cp", heartbeatIntervalMs: 1 },
  };
  const { log } = await follow([[other]]);
  assert.deepEqual(
    log.lines.map(({ message, fields }) => [message, fields["reason"]]),
    [
      [
        "control plane refuses this data plane, retrying",
        "the control plane speaks protocol 2, this data plane 1",
      ],
    ],
  );
});
