import assert from "node:assert/strict";
import { test } from "node:test";
import { importMutated, type Mutation } from "../../test/support/mutated-modules.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";

const product = "const product = Math.imul(hash ^ word, 0x9e3779b1);";
const asItIs: Mutation = {
  file: "data-plane/routing/scanned-text.ts",
  replace: product,
  by: product,
};

for (const [name, mutation] of [
  ["with its hash", asItIs],
  ["with a hash of few values", { ...asItIs, by: "const product = (hash ^ word) & 0x60000003;" }],
  ["when all texts fall on one hash", { ...asItIs, by: "const product = 0;" }],
] as const) {
  const [{ ScannedText }, { TextTable }] = (await importMutated(
    [mutation],
    ["data-plane/routing/scanned-text.ts", "data-plane/routing/text-table.ts"],
  )) as [typeof import("./scanned-text.ts"), typeof import("./text-table.ts")];

  test(`TextTable does what a Map does ${name}, through growth and deletion`, () => {
    const random = new SeededRandom(11);
    const table = new TextTable<number>();
    const map = new Map<string, number>();
    const text = new ScannedText("start");
    const letters = ["a", "b", "/", "ä", "\u{ffff}", "\0"];
    for (let step = 0; step < 10_000; step += 1) {
      const key = Array.from({ length: random.below(6) }, () => random.pick(letters)).join("");
      text.read(`${key}rest`, key.length + random.below(4));
      if (random.chance(0.45)) {
        table.delete(text, key.length);
        map.delete(key);
      } else if (map.size < 200 || map.has(key)) {
        table.set(text, key.length, step);
        map.set(key, step);
      }
      assert.equal(table.get(text, key.length), map.get(key));
      assert.equal(table.size, map.size);
    }
    assert(map.size > 50);
    for (const [key, value] of map) {
      text.read(key, key.length);
      assert.equal(table.get(text, key.length), value);
    }
  });

  test(`TextTable finds the beginnings of a text read from its end ${name}`, () => {
    const table = new TextTable<string>();
    const text = new ScannedText("end");
    for (const key of ["", "m", "com", ".com", "e.com", "example.com"]) {
      text.read(key, key.length);
      table.set(text, key.length, key);
    }
    const host = "www.example.com";
    text.read(host, host.length);
    const found = Array.from({ length: host.length + 1 }, (_, length) => table.get(text, length));
    assert.deepEqual(
      found.filter((value) => value !== undefined),
      ["", "m", "com", ".com", "e.com", "example.com"],
    );
  });
}
