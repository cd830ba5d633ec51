import assert from "node:assert/strict";
import { test } from "node:test";
import { vectors } from "../../test/support/vectors.ts";
import { WeightedTurns } from "./weighted-turns.ts";

interface TurnsVector {
  readonly source: string;
  readonly strategy: string;
  readonly servers: readonly { readonly name: string; readonly weight: number }[];
  readonly connections?: number;
  readonly expectedSequence?: readonly string[];
  readonly expectedCounts?: Readonly<Record<string, number>>;
  readonly expectedClosed?: number;
}

const applicable = vectors<TurnsVector>("loadbalancer").filter(
  ({ strategy, connections }) => strategy === "tcp-wrr" && connections !== undefined,
);
assert.ok(applicable.length >= 5);

for (const vector of applicable) {
  test(`turns: ${vector.source} ${JSON.stringify(vector.servers)}`, () => {
    const turns = new WeightedTurns(vector.servers.map(({ weight }) => weight));
    const names = Array.from({ length: vector.connections ?? 0 }, () => {
      const turn = turns.next();
      return turn === undefined ? undefined : vector.servers[turn]?.name;
    });
    if (vector.expectedSequence !== undefined) assert.deepEqual(names, vector.expectedSequence);
    if (vector.expectedCounts === undefined) return;
    const counts = Object.fromEntries(
      vector.servers
        .map(({ name }) => [name, names.filter((one) => one === name).length] as const)
        .filter(([, count]) => count > 0),
    );
    assert.deepEqual(counts, vector.expectedCounts);
    const closed = names.filter((name) => name === undefined).length;
    assert.equal(closed, vector.expectedClosed ?? 0);
  });
}

test("turns cost no more than a round, whatever the weights", () => {
  const turns = new WeightedTurns([1, 4_294_967_295]);
  const chosen = Array.from({ length: 1_000 }, () => turns.next());
  assert.deepEqual(new Set(chosen), new Set([1]));
});
