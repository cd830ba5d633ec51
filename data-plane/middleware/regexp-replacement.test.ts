import assert from "node:assert/strict";
import { test } from "node:test";
import { RegexpReplacement } from "./regexp-replacement.ts";

// Each as Go's regexp.ReplaceAllString does it.
for (const [expression, template, text, expected] of [
  ["a*", "X", "baac", "XbXcX"],
  ["a*", "X", "", "X"],
  ["x*$", "-", "abc", "abc-"],
  ["b", "", "abcb", "ac"],
  ["(a)(b)?", "$2$1-", "ac", "a-c"],
  ["a", "$1", "a", ""],
  ["a", "$0$0", "a", "aa"],
  ["(a)", "$1x", "a", ""],
  ["(a)", `\${1}x`, "a", "ax"],
  ["(a)", "$1-", "a", "a-"],
  ["(a)", "$01", "a", ""],
  ["(?P<n>a)", `[$n\${n}$none]`, "a", "[aa]"],
  ["(a)", "$$1", "a", "$1"],
  ["(a)", "${1", "a", "${1"],
  ["(a)", "cost $ 5$", "a", "cost $ 5$"],
  ["(a)", `\${}`, "a", `\${}`],
  ["(a)", "$1\\1&", "a", "a\\1&"],
  ["^a", "b", "aaa", "baa"],
  ["\\ba", "b", "aa a", "ba b"],
  ["é(.)", "$1", "éü", "ü"],
] as const) {
  test(`replacing ${expression} by ${template} in ${JSON.stringify(text)}`, () => {
    assert.equal(new RegexpReplacement(expression, template).replaceAll(text), expected);
  });
}

test("nothing is replaced where nothing matches, and an invalid expression is refused", () => {
  assert.equal(new RegexpReplacement("b", "c").replaceAll("a"), undefined);
  assert.throws(() => new RegexpReplacement("(", ""), /invalid regular expression "\("/);
});

test("the time a replacement takes grows with the text, whatever the expression", () => {
  const replacement = new RegexpReplacement("(a+)+$", "x");
  const timeMs = (length: number) => {
    const text = `${"a".repeat(length)}b`;
    const start = performance.now();
    assert.equal(replacement.replaceAll(text), undefined);
    return performance.now() - start;
  };
  timeMs(2_000);
  assert(timeMs(8_000) < 1_000);
});
