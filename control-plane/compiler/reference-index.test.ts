import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceIndex } from "./reference-index.ts";

test("ReferenceIndex finds every referrer of a target, from none to many and back", () => {
  const index = new ReferenceIndex();
  const referrers = () => [...index.referrersOf("t")].join();
  assert.equal(referrers(), "");
  index.add("t", "a");
  index.add("t", "a");
  assert.equal(referrers(), "a");
  index.add("t", "b");
  index.add("t", "c");
  assert.equal(referrers(), "a,b,c");
  index.delete("t", "b");
  index.delete("t", "unknown");
  index.delete("other", "a");
  assert.equal(referrers(), "a,c");
  index.delete("t", "a");
  index.delete("t", "c");
  assert.equal(referrers(), "");
  index.add("t", "d");
  assert.equal(referrers(), "d");
});
