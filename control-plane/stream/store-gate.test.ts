import assert from "node:assert/strict";
import { test } from "node:test";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { until } from "../../test/support/until.ts";
import { GenerationPublisher } from "../snapshot-store/generation-publisher.ts";
import { StoreGate } from "./store-gate.ts";

function unreadStore() {
  const store = new MemorySnapshotStore("fleet-a", { upserts: [], removals: [] });
  return new GenerationPublisher({ store, log: silentLog });
}

test("StoreGate lets nodes in when the store has been read, and at once from then on", async () => {
  const publisher = unreadStore();
  const gate = new StoreGate(publisher.committed, 60_000);
  const entered: string[] = [];
  assert.notEqual(
    gate.pass(() => entered.push("first")),
    undefined,
  );
  gate.pass(() => entered.push("left"))?.();
  assert.equal(entered.length, 0);
  await publisher.start(new AbortController().signal);
  assert.deepEqual(entered, ["first"]);
  assert.equal(
    gate.pass(() => entered.push("second")),
    undefined,
  );
  assert.deepEqual(entered, ["first", "second"]);
  await publisher.stop();
});

test("StoreGate lets nodes hear that the store is unread when the moment is over", async () => {
  const gate = new StoreGate(unreadStore().committed, 5);
  let entered: boolean = false;
  gate.pass(() => {
    entered = true;
  });
  await until("the end of the wait", () => entered || undefined);
});
