import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SendPace } from "./send-pace.ts";

test("SendPace lets so many bytes a turn through, the others in order in later turns", async () => {
  const pace = new SendPace(100);
  assert.equal(pace.take(60), undefined);
  assert.equal(pace.take(60), undefined, "what is begun may go beyond");
  const entered: number[] = [];
  for (const frame of [0, 1, 2, 3]) void pace.take(60)?.then(() => entered.push(frame));
  await Promise.resolve();
  assert.deepEqual(entered, []);
  await nextTurn();
  assert.deepEqual(entered, [0, 1]);
  assert.notEqual(pace.take(1), undefined, "nobody passes those who wait");
  await nextTurn();
  assert.deepEqual(entered, [0, 1, 2, 3]);
  await nextTurn();
  await nextTurn();
  assert.equal(pace.take(60), undefined);
});
