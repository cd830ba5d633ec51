/**
 * One fault of the catalogue as a test, and its twin: the same run with the guard under test switched off, which must
 * fail, or the test proves nothing. `npm run test:faults` runs the first kind at full size, with `--without-guards` the
 * second; the ordinary test run takes the smallest size.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

export type FaultSize = "small" | "full";

export interface FaultRun {
  readonly context: TestContext;
  readonly size: FaultSize;
  /** False: the run builds its parts without the guard, and is expected to fail an assertion. */
  readonly guarded: boolean;
}

export interface Fault {
  /** As in docs/reliability.md: `W3`. */
  readonly id: string;
  readonly title: string;
  /** What is switched off in the twin, in words. */
  readonly guard: string;
  /** Throws an AssertionError when the system under test did not survive. */
  readonly run: (run: FaultRun) => Promise<void>;
  /** The twin's wait for what never comes is bounded by the run itself; this bounds the test. */
  readonly timeoutMs?: number;
}

const size: FaultSize = process.env["FAULT_SIZE"] === "full" ? "full" : "small";
const withoutGuards = process.env["FAULT_WITHOUT_GUARDS"] === "1";

export function faultTest({ id, title, guard, run, timeoutMs }: Fault): void {
  const options = timeoutMs === undefined ? {} : { timeout: timeoutMs };
  if (!withoutGuards) {
    test(`${id}: ${title}`, options, (context) => run({ context, size, guarded: true }));
    return;
  }
  test(`${id} without ${guard} fails`, options, async (context) => {
    await assert.rejects(run({ context, size: "small", guarded: false }), (error) => {
      assert.ok(error instanceof assert.AssertionError, String(error));
      context.diagnostic(`fails as it must: ${error.message.split("\n", 1)[0]}`);
      return true;
    });
  });
}
