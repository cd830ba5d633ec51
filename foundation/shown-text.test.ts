import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { shownText, shownValue } from "./shown-text.ts";

describe("shownText()", () => {
  test("cuts what is long, never through a character", () => {
    assert.equal(shownText("abc", 3), "abc");
    assert.equal(shownText("abcd", 3), "abc...");
    assert.ok(shownText("ab😀d", 3).isWellFormed());
  });
});

describe("shownValue()", () => {
  for (const [value, shown] of [
    ["http://10.0.0.1:80/x", "http://10.0.0.1:80/x"],
    ["http://user:secret@h", "http://***@h"],
    ["http://secret@h", "http://***@h"],
    ["http://user:se/c@ret@h", "http://***@h"],
    ["user:secret@h:1", "***@h:1"],
    ["app@file", "app@file"],
  ] as const) {
    test(`${value} is shown as ${shown}`, () => assert.equal(shownValue(value), shown));
  }
});
