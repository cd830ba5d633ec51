import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./parse-duration.ts";

const durations: readonly (readonly [text: string, ms: number | undefined])[] = [
  ["0", 0],
  ["30", 30_000],
  ["-1", -1_000],
  ["250ms", 250],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["-1.5s", -1_500],
  ["+2s", 2_000],
  ["10us", 1],
  ["1ns", 1],
  ["0s", 0],
  ["-0s", 0],
  ["2160h", 7_776_000_000],
  ["", undefined],
  ["s", undefined],
  ["1.5", undefined],
  ["1 s", undefined],
  ["1d", undefined],
  ["1s2", undefined],
  ["--1s", undefined],
  ["1m\n", undefined],
];

for (const [text, ms] of durations) {
  test(`parseDuration() takes ${JSON.stringify(text)} for ${ms} ms`, () => {
    assert.ok(Object.is(parseDuration(text), ms));
  });
}
