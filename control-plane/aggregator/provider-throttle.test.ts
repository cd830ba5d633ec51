import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { ProviderEvent } from "../provider/provider.ts";
import { ProviderThrottle } from "./provider-throttle.ts";

/** Changes of services named by one letter each; `a1` is version 1 of service `a`, `a-` its removal. */
function changes(...objects: readonly string[]): ProviderEvent {
  return {
    kind: "changes",
    changes: objects.map(([name = "", version]) => ({
      key: { kind: "httpService", name },
      object:
        version === "-"
          ? undefined
          : {
              source: { provider: "file", location: `version ${version}` },
              config: undefined,
              problems: [],
            },
    })),
  };
}

function shown(event: ProviderEvent): string {
  if (event.kind !== "changes") return event.kind;
  return event.changes
    .map(({ key, object }) => key.name + (object?.source.location.at(-1) ?? "-"))
    .join(" ");
}

function throttled(context: TestContext, periodMs: number) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const delivered: string[] = [];
  const throttle = new ProviderThrottle(periodMs, (event) => delivered.push(shown(event)));
  return {
    throttle,
    take: () => delivered.splice(0),
    pass: (ms: number) => context.mock.timers.tick(ms),
  };
}

describe("ProviderThrottle", () => {
  test("delivers the first change at once and merges per object while the period runs", (context) => {
    const { throttle, take, pass } = throttled(context, 100);
    throttle.accept(changes("a1", "b1"));
    assert.deepEqual(take(), ["a1 b1"]);
    throttle.accept(changes("a2", "c1"));
    throttle.accept(changes("a3"));
    throttle.accept(changes("b-"));
    pass(99);
    assert.deepEqual(take(), []);
    pass(1);
    assert.deepEqual(take(), ["a3 c1 b-"]);
  });

  test("starts a new period with what was merged, and delivers the last change", (context) => {
    const { throttle, take, pass } = throttled(context, 100);
    throttle.accept(changes("a1"));
    throttle.accept(changes("a2"));
    pass(100);
    throttle.accept(changes("a3"));
    assert.deepEqual(take(), ["a1", "a2"]);
    pass(100);
    assert.deepEqual(take(), ["a3"]);
    pass(100);
    throttle.accept(changes("a4"));
    assert.deepEqual(take(), ["a4"], "after a quiet period the next change is a first one");
  });

  test("delivers a mark after the changes it covers, and completion at once", (context) => {
    const { throttle, take } = throttled(context, 100);
    throttle.accept(changes("a1"));
    throttle.accept(changes("b1"));
    throttle.accept({ kind: "problems", problems: [] });
    assert.deepEqual(take(), ["a1"]);
    throttle.accept({ kind: "complete" });
    assert.deepEqual(take(), ["b1", "problems", "complete"]);
  });

  test("holds unavailability back only behind changes", (context) => {
    const { throttle, take, pass } = throttled(context, 100);
    throttle.accept(changes("a1"));
    throttle.accept({ kind: "unavailable", reason: "x" });
    assert.deepEqual(take(), ["a1", "unavailable"]);
    throttle.accept(changes("a2"));
    throttle.accept({ kind: "unavailable", reason: "y" });
    assert.deepEqual(take(), []);
    pass(100);
    assert.deepEqual(take(), ["a2", "unavailable"]);
  });

  test("passes everything at once with a period of 0", (context) => {
    const { throttle, take } = throttled(context, 0);
    throttle.accept(changes("a1"));
    throttle.accept(changes("a2"));
    assert.deepEqual(take(), ["a1", "a2"]);
  });

  test("delivers nothing after stop()", (context) => {
    const { throttle, take, pass } = throttled(context, 100);
    throttle.accept(changes("a1"));
    throttle.accept(changes("a2"));
    throttle.stop();
    pass(1_000);
    assert.deepEqual(take(), ["a1"]);
  });
});
