import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import { StaticGate } from "./static-gate.ts";

function gate() {
  const at = { nowMs: 0, others: 0 };
  const log = new RecordingLog();
  const other = { id: "other", stream: undefined, staticDigest: "b" };
  const made = new StaticGate({
    own: "a",
    others: async () => Array.from({ length: at.others }, () => other),
    graceMs: 3_000,
    log,
    now: () => at.nowMs,
  });
  return { at, log, gate: made };
}

test("StaticGate lets stand who has what is committed, whoever else there is", async () => {
  const { at, gate: made } = gate();
  at.others = 3;
  assert.equal(await made.mayStand(), true, "nothing is committed yet");
  made.committed = "a";
  assert.equal(await made.mayStand(), true);
  assert.equal(made.isCommitted, true);
});

test("StaticGate lets stand who is alone, at once or when one that was killed is gone", async () => {
  const alone = gate();
  alone.gate.committed = "b";
  assert.equal(await alone.gate.mayStand(), true);
  const { at, gate: made } = gate();
  made.committed = "b";
  at.others = 1;
  assert.equal(await made.mayStand(), false);
  at.nowMs = 2_000;
  at.others = 0;
  assert.equal(await made.mayStand(), true);
});

test("StaticGate makes one that differs beside others wait for an operator, and says so once", async () => {
  const { at, log, gate: made } = gate();
  made.committed = "b";
  at.others = 1;
  assert.equal(await made.mayStand(), false);
  at.nowMs = 3_000;
  assert.equal(await made.mayStand(), false);
  assert.equal(made.state.isWaiting, true);
  at.others = 0;
  assert.equal(await made.mayStand(), false, "also when the others have gone");
  assert.equal(log.lines.length, 1);
  made.committed = "a";
  assert.equal(await made.mayStand(), true);
  assert.deepEqual(made.state, { own: "a", committed: "a", isWaiting: false });
  made.own = "c";
  at.others = 1;
  assert.equal(await made.mayStand(), false);
});
