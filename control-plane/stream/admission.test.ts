import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../test/support/until.ts";
import { Admission } from "./admission.ts";

test("Admission lets a burst in at once and the rest at its rate, in order", async () => {
  const admission = new Admission({ perSecond: 100, burst: 3, maxWaitMs: 1_000 });
  const startedAtMs = performance.now();
  const admitted: { readonly node: number; readonly afterMs: number }[] = [];
  const answers = Array.from({ length: 13 }, (_, node) =>
    admission.enter(() => void admitted.push({ node, afterMs: performance.now() - startedAtMs })),
  );
  assert.deepEqual(
    admitted.map(({ node }) => node),
    [0, 1, 2],
  );
  assert.equal(answers.filter(({ kind }) => kind === "queued").length, 10);
  await until("everybody", () => admitted.length === 13);
  assert.deepEqual(
    admitted.map(({ node }) => node),
    answers.map((_, node) => node),
  );
  const lastMs = admitted.at(-1)?.afterMs ?? 0;
  assert.ok(lastMs >= 99, `the tenth of 100 a second came after ${lastMs} ms`);
  admission.close();
});

test("Admission refuses who would wait too long, and forgets who leaves", async () => {
  let nowMs = 0;
  const admission = new Admission({ perSecond: 10, burst: 1, maxWaitMs: 250, now: () => nowMs });
  const admitted: string[] = [];
  const enter = (name: string) => admission.enter(() => void admitted.push(name));
  assert.equal(enter("a").kind, "admitted");
  const b = enter("b");
  assert.equal(enter("c").kind, "queued");
  assert.equal(enter("d").kind, "refused");
  assert.ok(b.kind === "queued");
  b.leave();
  assert.equal(enter("e").kind, "queued");
  nowMs = 1_000;
  await until("c", () => admitted.length === 2);
  nowMs = 2_000;
  await until("e", () => admitted.length === 3);
  assert.deepEqual(admitted, ["a", "c", "e"]);
  admission.close();
});

test("Admission.close() lets nobody in any more", () => {
  const admission = new Admission({ perSecond: 1, burst: 1, maxWaitMs: 10_000 });
  const admitted: string[] = [];
  admission.enter(() => void admitted.push("a"));
  admission.enter(() => void admitted.push("b"));
  admission.close();
  assert.deepEqual(admitted, ["a"]);
});
