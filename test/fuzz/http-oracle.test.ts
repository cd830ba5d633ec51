/** The plain reading judges the engine: it finds mistakes made on purpose. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importGateway } from "../smuggling/memory-gateway.ts";
import { mistakes } from "../smuggling/mistakes.ts";
import { inputOf } from "./fuzz-run.ts";
import { httpTargetsOf } from "./targets/http-targets.ts";

const seed = 20_261_124;
const maxInputs = 400;

/** Frequent ones, of every part: a few hundred inputs show them. */
const found = [
  "blanks before a colon",
  "lists of lengths",
  "both framings",
  "chunked among other codings",
  "Host before the target's own",
  "bytes that are not its own any more",
  "a length of nothing",
  "both framings of a response",
];

for (const mistake of mistakes.filter(({ what }) => found.includes(what))) {
  test(`fuzzing finds: ${mistake.what}`, async () => {
    const targets = httpTargetsOf(await importGateway([mistake]));
    const isFound = targets.some((target) => {
      for (let index = 0; index < maxInputs; index += 1) {
        try {
          target.check(inputOf(target, seed, index));
        } catch {
          return true;
        }
      }
      return false;
    });
    assert.ok(isFound, `${maxInputs} inputs show nothing`);
  });
}
