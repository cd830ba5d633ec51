import assert from "node:assert/strict";
import { test } from "node:test";
import { someQueryValue } from "./query-values.ts";

function valuesOf(query: string, key: string): string[] {
  const values: string[] = [];
  someQueryValue(query, key, (value) => {
    values.push(value);
    return false;
  });
  return values;
}

for (const [query, key, expected] of [
  ["", "q", []],
  ["?", "q", []],
  ["?q", "q", [""]],
  ["?q=", "q", [""]],
  ["?q=1&q=2&r=3", "q", ["1", "2"]],
  ["?a=b=c", "a", ["b=c"]],
  ["?q=a%20b+c", "q", ["a b c"]],
  ["?%71=1", "q", ["1"]],
  ["?q=%zz&q=ok", "q", ["ok"]],
  ["?%zz=1", "%zz", []],
  ["?&&q=1&", "q", ["1"]],
  ["?&&q=1&", "", []],
  ["?=x", "", ["x"]],
  ["?Q=1", "q", []],
] as const) {
  test(`values of "${key}" in "${query}"`, () => {
    assert.deepEqual(valuesOf(query, key), expected);
  });
}

test("someQueryValue() stops at the first value that is accepted", () => {
  let asked = 0;
  const accepts = () => {
    asked += 1;
    return true;
  };
  assert.equal(someQueryValue("?q=1&q=2", "q", accepts), true);
  assert.equal(asked, 1);
});
