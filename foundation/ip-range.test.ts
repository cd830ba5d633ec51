import assert from "node:assert/strict";
import { test } from "node:test";
import { isAddressOrRange } from "./ip-range.ts";

for (const [text, expected] of [
  ["10.0.0.1", true],
  ["10.0.0.0/8", true],
  ["0.0.0.0/0", true],
  ["::1", true],
  ["2001:db8::/32", true],
  ["::/128", true],
  ["10.0.0.0/33", false],
  ["::/129", false],
  ["10.0.0.0/08", false],
  ["10.0.0.0/", false],
  ["/8", false],
  ["10.0.0", false],
  ["010.0.0.1", false],
  ["fe80::1%eth0", false],
  ["host", false],
  ["", false],
] as const) {
  test(`isAddressOrRange() says ${expected} to "${text}"`, () => {
    assert.equal(isAddressOrRange(text), expected);
  });
}
