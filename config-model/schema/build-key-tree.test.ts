import assert from "node:assert/strict";
import { test } from "node:test";
import { buildKeyTree } from "./build-key-tree.ts";
import type { ConfigNode } from "./config-node.ts";

test("buildKeyTree() keeps the place of a key of any depth, and no tree of that depth", () => {
  const path = Array.from({ length: 100_000 }, () => "a");
  let node: ConfigNode = buildKeyTree([[path, "the key", "x"]], "root");
  let depth = 0;
  while (node.kind === "keys" && node.entries[0] !== undefined) {
    assert.equal(node.entries[0].place, "the key");
    node = node.entries[0].value;
    depth++;
  }
  assert.equal(depth, 100);
  assert.ok(node.kind === "keys");
  assert.equal(node.text, "x");
});
