import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for what a fault test requires within a time; fails the assertion, naming it, when it does not come. Resolves to the
 * milliseconds it took.
 */
export async function within(
  ms: number,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<number> {
  const beganAtMs = performance.now();
  while (!(await condition())) {
    assert.ok(performance.now() - beganAtMs < ms, `${what}: not within ${ms} ms`);
    await delay(2);
  }
  return performance.now() - beganAtMs;
}
