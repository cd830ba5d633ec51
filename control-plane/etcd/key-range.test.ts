import assert from "node:assert/strict";
import { test } from "node:test";
import { keysBetween, oneKey, prefixRange } from "./key-range.ts";

const contains = (prefix: string, key: string) => {
  const { start, end } = prefixRange(prefix);
  const bytes = Buffer.from(key);
  return bytes.compare(start) >= 0 && (end === undefined || bytes.compare(end) < 0);
};

test("prefixRange() holds exactly the keys that begin with the prefix", () => {
  for (const inside of ["traefik/", "traefik/a", "traefik/\u{10ffff}"]) {
    assert.ok(contains("traefik/", inside), inside);
  }
  for (const outside of ["traefik", "traefik0", "traefik.", "traefikx/a", "/traefik/a"]) {
    assert.ok(!contains("traefik/", outside), outside);
  }
});

test("prefixRange() carries over a last byte that has no successor", () => {
  const range = prefixRange("a\u{10ffff}");
  assert.deepEqual(range.end, Buffer.from([0x61, 0xf4, 0x8f, 0xbf, 0xc0]));
});

test("prefixRange() of nothing is every key, as etcd writes it", () => {
  assert.deepEqual(prefixRange(""), { start: Buffer.of(0), end: Buffer.of(0) });
});

test("oneKey() has no end, keysBetween() excludes it", () => {
  assert.deepEqual(oneKey("a"), { start: Buffer.from("a"), end: undefined });
  assert.deepEqual(keysBetween("a", "b"), { start: Buffer.from("a"), end: Buffer.from("b") });
});
