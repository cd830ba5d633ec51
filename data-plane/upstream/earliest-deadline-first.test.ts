import assert from "node:assert/strict";
import { test } from "node:test";
import { vectors } from "../../test/support/vectors.ts";
import { EarliestDeadlineFirst } from "./earliest-deadline-first.ts";

interface BalancerVector {
  readonly source: string;
  readonly strategy: string;
  readonly servers?: readonly {
    readonly name: string;
    readonly weight: number;
    readonly fenced?: boolean;
  }[];
  readonly steps?: unknown;
  readonly requests?: number;
  readonly expectedCounts?: Readonly<Record<string, number>>;
  readonly expectedSequence?: readonly string[];
  readonly expectedStatus?: number;
}

function balancerOf(servers: readonly { readonly name: string; readonly weight: number }[]) {
  return new EarliestDeadlineFirst(servers.map(({ name, weight }) => ({ item: name, weight })));
}

function take(balancer: EarliestDeadlineFirst<string>, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => balancer.next());
}

function countsOf(names: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

for (const vector of vectors<BalancerVector>("loadbalancer")) {
  const { source, strategy, servers, steps, requests } = vector;
  // Health and stickiness are other parts' behaviours.
  if (strategy !== "wrr" || servers === undefined || requests === undefined) continue;
  if (steps !== undefined || servers.some(({ fenced }) => fenced === true)) continue;
  test(`EarliestDeadlineFirst: ${requests} choices among ${servers.length} (${source})`, () => {
    const chosen = take(balancerOf(servers), requests);
    if (vector.expectedSequence !== undefined) assert.deepEqual(chosen, vector.expectedSequence);
    if (vector.expectedCounts !== undefined) {
      assert.deepEqual(countsOf(chosen), vector.expectedCounts);
    }
    if (vector.expectedStatus === 503) assert.deepEqual(chosen, [undefined]);
  });
}

test("EarliestDeadlineFirst.continueFrom() keeps the turns of what stays", () => {
  const servers = ["a", "b", "c"].map((name) => ({ name, weight: 1 }));
  const undisturbed = balancerOf(servers);
  const before = balancerOf(servers);
  take(undisturbed, 4);
  take(before, 4);
  const after = balancerOf(servers);
  after.continueFrom(before);
  assert.deepEqual(countsOf(take(after, 2)), countsOf(take(undisturbed, 2)));
});

test("EarliestDeadlineFirst.continueFrom() does not let a new item catch up", () => {
  const before = balancerOf([{ name: "old", weight: 1 }]);
  take(before, 1_000);
  const after = balancerOf([
    { name: "old", weight: 1 },
    { name: "new", weight: 1 },
  ]);
  after.continueFrom(before);
  assert.deepEqual(countsOf(take(after, 20)), { old: 10, new: 10 });
});

test("EarliestDeadlineFirst.continueFrom() gives an item of another weight a new turn", () => {
  const before = balancerOf([
    { name: "a", weight: 1 },
    { name: "b", weight: 1 },
  ]);
  take(before, 101);
  const after = balancerOf([
    { name: "a", weight: 3 },
    { name: "b", weight: 1 },
  ]);
  after.continueFrom(before);
  const { a = 0 } = countsOf(take(after, 40));
  assert(Math.abs(a - 30) <= 1, `${a} of 40`); // "b" had its turn coming
});
