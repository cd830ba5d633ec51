import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, CellMap, type Definition } from "./cell.ts";

/** A handler is a text; a definition with members joins theirs when it is bound. */
function definition(text: string, members: readonly string[] = []): Definition<string> {
  return {
    fingerprint: text,
    members,
    bind: (cells: readonly Cell<string>[]) =>
      [text, ...cells.map(({ current }) => current)].join(" "),
  };
}

function namesIn(cells: CellMap<string>): string[] {
  return [...cells.definitions()].map(([name]) => name);
}

test("a cell given out before its name exists is filled and emptied in place", () => {
  const cells = new CellMap("missing");
  const cell = cells.refer("a");
  assert.equal(cell.current, "missing");
  cells.define("a", definition("one"));
  assert.equal(cell.current, "one");
  cells.define("a", definition("two"));
  assert.equal(cell.current, "two");
  cells.remove("a");
  assert.equal(cell.current, "missing");
  assert.deepEqual(namesIn(cells), []);
});

test("a definition is bound to the cells of its members", () => {
  const cells = new CellMap("missing");
  cells.define("list", definition("list", ["a", "b"]));
  assert.equal(cells.refer("list").current, "list missing missing");
  cells.define("a", definition("one"));
  cells.define("list", definition("again", ["a"]));
  assert.equal(cells.refer("list").current, "again one");
});

test("a cell lasts as long as somebody refers to it or its name exists", () => {
  const cells = new CellMap("missing");
  const first = cells.refer("a");
  assert.equal(cells.refer("a"), first);
  cells.release(first);
  cells.define("a", definition("one"));
  cells.release(first);
  assert.equal(cells.refer("a"), first, "its name exists");
  cells.remove("a");
  assert.equal(cells.refer("a"), first, "somebody refers to it");
  cells.release(first);
  cells.release(first);
  assert.notEqual(cells.refer("a"), first, "nobody does");
});

test("members are let go of with the definition that named them", () => {
  const cells = new CellMap("missing");
  cells.define("list", definition("list", ["a"]));
  const member = cells.refer("a");
  cells.release(member);
  cells.define("list", definition("list", ["b"]));
  assert.notEqual(cells.refer("a"), member);
});
