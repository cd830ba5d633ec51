import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnSlice } from "./turn-slice.ts";

test("TurnSlice.next() lets everything that waits have its turn", async () => {
  const slice = new TurnSlice(0);
  assert(slice.isSpent);
  let hadItsTurn = false;
  setImmediate(() => {
    hadItsTurn = true;
  });
  await slice.next();
  assert(hadItsTurn);
});

test("TurnSlice is not spent within its budget", async () => {
  const slice = new TurnSlice(60_000);
  assert(!slice.isSpent);
  await slice.next();
  assert(!slice.isSpent);
});
