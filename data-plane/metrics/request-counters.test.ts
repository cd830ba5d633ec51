import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestCounters } from "./request-counters.ts";

test("RequestCounters keep a row per method and status, with cumulative buckets", () => {
  const counters = new RequestCounters("web");
  for (const seconds of [0.05, 0.1, 0.2, 1, 4, 60]) counters.record("GET", 200, seconds);
  counters.record("GET", 404, 0.5);
  counters.record("POST", 200, 5);
  counters.record("GET", 200, 0.3);
  const { name, rows } = counters.report();
  assert.equal(name, "web");
  assert.deepEqual(
    rows.map(({ method, status, count, buckets }) => [method, status, count, ...buckets]),
    [
      ["GET", 200, 7, 2, 4, 5, 6],
      ["GET", 404, 1, 0, 0, 1, 1],
      ["POST", 200, 1, 0, 0, 0, 1],
    ],
  );
  assert.ok(Math.abs((rows[0]?.durationSecondsSum ?? 0) - 65.65) < 1e-9);
});

test("RequestCounters count methods that clients made up as one", () => {
  const counters = new RequestCounters("web");
  for (let index = 0; index < 1_000; index += 1) counters.record(`M${index}`, 200, 0);
  assert.deepEqual(
    counters.report().rows.map(({ method, count }) => [method, count]),
    [["EXTENSION_METHOD", 1_000]],
  );
});
