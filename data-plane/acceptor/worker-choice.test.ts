import assert from "node:assert/strict";
import { test } from "node:test";
import {
  heartbeatSlot,
  openConnectionsSlot,
  workerColumnLength,
} from "../worker/worker-protocol.ts";
import { WorkerChoice } from "./worker-choice.ts";

function choiceOf(count: number, now: () => number = () => 1_000) {
  const columns = new Int32Array(count * workerColumnLength);
  const choice = new WorkerChoice(columns, now);
  const beat = (worker: number, atMs: number) => {
    columns[worker * workerColumnLength + heartbeatSlot] = atMs;
  };
  for (let worker = 0; worker < count; worker += 1) {
    choice.add(worker);
    beat(worker, 1_000);
  }
  return { columns, choice, beat };
}

test("WorkerChoice spreads a burst evenly, because it counts what it hands over", () => {
  const { choice } = choiceOf(4);
  const chosen = Array.from({ length: 8 }, () => choice.choose());
  for (const worker of [0, 1, 2, 3]) {
    assert.equal(chosen.filter((one) => one === worker).length, 2);
  }
});

test("WorkerChoice prefers the worker whose connections have closed", () => {
  const { choice, columns } = choiceOf(2);
  for (let i = 0; i < 4; i += 1) choice.choose();
  columns[1 * workerColumnLength + openConnectionsSlot] = 0;
  assert.deepEqual([choice.choose(), choice.choose()], [1, 1]);
});

test("WorkerChoice passes over a worker whose loop stands still, unless all do", () => {
  const { choice, beat } = choiceOf(2, () => 2_000);
  beat(1, 1_990);
  assert.deepEqual([choice.choose(), choice.choose(), choice.choose()], [1, 1, 1]);
  beat(1, 1_000);
  assert.equal(choice.choose(), 0);
});

test("WorkerChoice has no answer while no worker serves", () => {
  const { choice } = choiceOf(1);
  choice.remove(0);
  assert.equal(choice.choose(), undefined);
});
