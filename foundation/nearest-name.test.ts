import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./nearest-name.ts";

const keys = ["rule", "service", "priority", "entryPoints", "middlewares", "url"];

for (const [name, expected] of [
  ["rulee", "rule"],
  ["ruel", "rule"],
  ["RULE", "rule"],
  ["entrypoint", "entryPoints"],
  ["middleware", "middlewares"],
  ["urll", "url"],
  ["srevcie", "service"],
  ["x", undefined],
  ["loadBalancer", undefined],
  ["", undefined],
  ["r".repeat(100_000), undefined],
] as const) {
  test(`nearestName() takes "${name.slice(0, 20)}" for ${expected}`, () => {
    assert.equal(nearestName(name, keys), expected);
  });
}
