import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue } from "./fair-queue.ts";

test("FairQueue lets owners take turns, each with what it put in first", () => {
  const queue = new FairQueue<string>();
  for (const item of ["a1", "a2", "a3", "b1"]) queue.put(item.charAt(0), item);
  assert.equal(queue.take(), "a1");
  queue.put("c", "c1");
  queue.put("a", "a4");
  queue.put("b", "b2");
  const taken = Array.from({ length: 7 }, () => queue.take());
  assert.deepEqual(taken, ["b1", "a2", "c1", "b2", "a3", "a4", undefined]);
  queue.put("a", "a5");
  assert.equal(queue.take(), "a5");
});
