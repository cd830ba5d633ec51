import assert from "node:assert/strict";
import { test } from "node:test";
import { shuffled } from "./shuffled.ts";

test("shuffled() gives every order equally often and leaves the original alone", () => {
  const original = ["a", "b", "c"];
  const orders = new Map<string, number>();
  for (let step = 0; step < 36; step += 1) {
    // 1/36 apart: each pair of choices, of three and of two, comes up 6 times.
    const draws = [(step % 6) / 6, Math.floor(step / 6) / 6];
    const order = shuffled(original, () => draws.shift() ?? 0).join("");
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.deepEqual([...orders.values()], [6, 6, 6, 6, 6, 6]);
  assert.deepEqual(original, ["a", "b", "c"]);
});
