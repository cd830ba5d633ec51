import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { HashTable } from "./hash-table.ts";

test("HashTable does what a Map does, through growth, deletion and full runs", () => {
  const random = new SeededRandom(11);
  for (const range of [40, 5_000, 4_294_967_296]) {
    const table = new HashTable<number>();
    const map = new Map<number, number>();
    for (let step = 0; step < 20_000; step += 1) {
      const hash = Math.floor(random.next() * range) | 0;
      if (random.chance(0.45)) {
        table.delete(hash);
        map.delete(hash);
      } else {
        table.set(hash, step);
        map.set(hash, step);
      }
      assert.equal(table.get(hash), map.get(hash));
      assert.equal(table.size, map.size);
    }
    for (const [hash, value] of map) assert.equal(table.get(hash), value);
  }
});
