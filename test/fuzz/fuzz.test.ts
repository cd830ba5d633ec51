/** A slice of the fuzzing with one seed for ever; `npm run fuzz` has the rest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, fuzzOne } from "./fuzz-run.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { fuzzTargets } from "./fuzz-targets.ts";
import { measureGrowth } from "./growth.ts";
import { growthShapes } from "./growth-shapes.ts";

const seed = 20_260_701;

/** Beyond every limit of depth. */
const deepCount = 1_100;

for (const target of fuzzTargets) {
  test(`fuzzing finds nothing in ${target.name}`, () => {
    for (let index = 0; index < 50 * target.weight; index++) {
      const failure = fuzzOne(target, seed, index);
      assert.equal(failure, undefined, JSON.stringify(failure, undefined, 2));
    }
  });
}

test("every shape of growth is read, deep ones too", () => {
  for (const { name, build, run } of growthShapes) {
    assert.doesNotThrow(() => run(build(deepCount)), name);
  }
});

test("fuzzing finds a mistake, and the shortest input that shows it", () => {
  const target: FuzzTarget = {
    name: "planted",
    weight: 1,
    generate: (random) => Array.from({ length: 200 }, () => random.pick(["a", "b", "c"])).join(""),
    check: (input) => assert.ok(!/a.*b.*c/.test(input), "planted"),
  };
  const failure = fuzzOne(target, seed, 0);
  assert.equal(failure?.shrunk, "abc");
  assert.match(failure.reason, /planted/);
  assert.equal(failureOf(target, "cba"), undefined);
});

test("growth is found where it is quadratic, and only there", () => {
  const build = (count: number) => "x".repeat(count);
  const linear = (input: string) => {
    let sum = 0;
    for (let at = 0; at < input.length; at++) sum += input.charCodeAt(at);
    return sum;
  };
  const square = (input: string) => {
    for (let at = 0; at < input.length; at += 128) linear(input);
  };
  measureGrowth({ name: "linear", build, run: linear });
  const shape = { name: "square", build, run: square };
  assert.throws(() => measureGrowth(shape, [2]), /time grows faster/);
});
