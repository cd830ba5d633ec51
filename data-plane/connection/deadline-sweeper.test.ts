import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../test/support/until.ts";
import { DeadlineSweeper, noDeadline } from "./deadline-sweeper.ts";

function holder() {
  return {
    deadlineMs: noDeadline,
    passed: [] as number[],
    deadlinePassed() {
      this.passed.push(performance.now());
    },
  };
}

test("DeadlineSweeper tells each holder once, never early", async () => {
  const sweeper = new DeadlineSweeper(5);
  const [soon, never, moved] = [holder(), holder(), holder()];
  for (const one of [soon, never, moved]) sweeper.add(one);
  const startMs = performance.now();
  soon.deadlineMs = sweeper.deadlineAfter(20);
  never.deadlineMs = sweeper.deadlineAfter(0);
  moved.deadlineMs = sweeper.deadlineAfter(20);
  moved.deadlineMs = sweeper.deadlineAfter(60);
  await until("the moved deadline", () => moved.passed.length > 0);
  assert.equal(soon.passed.length, 1);
  assert.ok((soon.passed[0] ?? 0) - startMs >= 20);
  assert.ok((moved.passed[0] ?? 0) - startMs >= 60);
  assert.equal(never.passed.length, 0);
  for (const one of [soon, never, moved]) sweeper.delete(one);
});

test("DeadlineSweeper forgets who was deleted and keeps the date current", async () => {
  const sweeper = new DeadlineSweeper(5);
  const [gone, stays] = [holder(), holder()];
  sweeper.add(gone);
  sweeper.add(stays);
  gone.deadlineMs = sweeper.deadlineAfter(1);
  stays.deadlineMs = sweeper.deadlineAfter(1);
  sweeper.delete(gone);
  await until("the other's deadline", () => stays.passed.length > 0);
  assert.equal(gone.passed.length, 0);
  const ageMs = Date.now() - Date.parse(sweeper.httpDate);
  assert.ok(ageMs < 2_500, `${sweeper.httpDate} is ${ageMs} ms old`);
  sweeper.delete(stays);
});
