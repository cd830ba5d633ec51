import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddressRange, rangeContains } from "./address-range.ts";

for (const [range, address, expected] of [
  ["10.0.0.1", "10.0.0.1", true],
  ["10.0.0.1", "10.0.0.2", false],
  ["10.0.0.1", "::ffff:10.0.0.1", true],
  ["::ffff:10.0.0.1", "10.0.0.1", true],
  ["10.0.0.0/8", "10.255.255.255", true],
  ["10.0.0.0/8", "11.0.0.0", false],
  ["10.0.0.0/9", "10.128.0.0", false],
  ["192.168.1.128/25", "192.168.1.127", false],
  ["200.1.2.3/31", "200.1.2.2", true],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["::/0", "2001:db8::1", true],
  ["2001:db8::/33", "2001:db8:7fff::1", true],
  ["2001:db8::/33", "2001:db8:8000::1", false],
  ["fe80::1", "fe80:0:0:0:0:0:0:1", true],
  ["::1", "::1", true],
  ["::1", "::2", false],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201", true],
  ["10.0.0.1", "1", false],
  ["10.0.0.1", "", false],
] as const) {
  test(`${range} ${expected ? "holds" : "does not hold"} "${address}"`, () => {
    const parsed = parseAddressRange(range);
    assert(parsed !== undefined);
    assert.equal(rangeContains(parsed, address), expected);
  });
}

test("parseAddressRange() refuses what is neither address nor range", () => {
  for (const text of ["", "1", "10.0.0.1/33", "::1/129", "10.0.0.1/", "10.0.0.1/-1", "a/8", "/8"]) {
    assert.equal(parseAddressRange(text), undefined, text);
  }
});
