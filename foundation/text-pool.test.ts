import assert from "node:assert/strict";
import { test } from "node:test";
import { TextPool } from "./text-pool.ts";

test("TextPool gives back equal texts, also beyond its limit", () => {
  const pool = new TextPool(2);
  for (const text of ["a", "b", "a", "c", "d", "a"]) assert.equal(pool.of(text), text);
});
