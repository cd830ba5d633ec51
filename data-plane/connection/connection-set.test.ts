import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionSet } from "./connection-set.ts";

/** A connection that ends when it is told to drain, or only when it is destroyed. */
function connection(set: ConnectionSet, endsOnDrain: boolean) {
  const one = {
    calls: [] as string[],
    beginDrain() {
      this.calls.push("drain");
      if (endsOnDrain) set.delete(this);
    },
    destroy() {
      this.calls.push("destroy");
      set.delete(this);
    },
  };
  set.add(one);
  return one;
}

test("drain() resolves at once without connections", async () => {
  await new ConnectionSet().drain(10_000);
});

test("drain() lets those end that can, and destroys the rest after the grace", async () => {
  const set = new ConnectionSet();
  const [ends, stays] = [connection(set, true), connection(set, false)];
  await set.drain(20);
  assert.deepEqual([ends.calls, stays.calls, set.size], [["drain"], ["drain", "destroy"], 0]);
});

test("a connection that comes while draining is drained too", async () => {
  const set = new ConnectionSet();
  const stays = connection(set, false);
  const drained = set.drain(10_000);
  const late = connection(set, true);
  assert.deepEqual([late.calls, set.isDraining], [["drain"], true]);
  stays.destroy();
  await drained;
});

test("drain() may be called again: both calls resolve", async () => {
  const set = new ConnectionSet();
  const stays = connection(set, false);
  const both = [set.drain(10_000), set.drain(10_000)];
  stays.destroy();
  await Promise.all(both);
});
