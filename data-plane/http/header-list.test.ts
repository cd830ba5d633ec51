import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "./header-list.ts";
import { knownHeaderId } from "./known-header.ts";

/** As the parser fills it: every line canonical. */
function parsed(source: string): HeaderList {
  const list = new HeaderList();
  list.beginParsed(source);
  for (const { index, 0: line } of source.matchAll(/[^\r]+/g)) {
    const start = index + line.search(/[^\n]/);
    const nameEnd = source.indexOf(":", start);
    if (nameEnd === -1) break;
    const id = knownHeaderId(source.slice(start, nameEnd).toLowerCase());
    list.appendParsed(id, start, nameEnd, index + line.length);
  }
  return list;
}

const source = "Accept: a\r\nX-One: 1\r\nx-one: 2\r\nCookie: c\r\n";

test("HeaderList finds parsed fields by lower-case name, known or not", () => {
  const list = parsed(source);
  assert.deepEqual(
    [list.length, list.get("accept"), list.get("x-one"), list.get("cookie"), list.get("x-two")],
    [4, "a", "1", "c", undefined],
  );
  assert.deepEqual([list.nameAt(2), list.lowerNameAt(1), list.valueAt(2)], ["x-one", "x-one", "2"]);
  assert.deepEqual([list.nameAt(4), list.lowerNameAt(4), list.valueAt(4)], ["", "", ""]);
});

test("HeaderList.lines() is the source where nothing was changed", () => {
  assert.equal(parsed(source).lines(""), source);
});

test("HeaderList.set() keeps the first place and drops the other fields of that name", () => {
  const list = parsed(source);
  list.set("X-One", "new");
  assert.equal(list.lines(""), "Accept: a\r\nX-One: new\r\nCookie: c\r\n");
  list.set("X-New", "3");
  assert.equal(list.get("x-new"), "3");
  assert.equal(list.lines(""), "Accept: a\r\nX-One: new\r\nCookie: c\r\nX-New: 3\r\n");
});

test("HeaderList.delete() drops every field of that name", () => {
  const list = parsed(source);
  list.delete("x-one");
  list.delete("x-none");
  assert.equal(list.lines(""), "Accept: a\r\nCookie: c\r\n");
  list.delete("accept");
  assert.deepEqual([list.lines(""), list.length, list.has("accept")], ["Cookie: c\r\n", 1, false]);
});

test("HeaderList.lines() leaves out what the engine writes itself", () => {
  const list = parsed(
    "Content-Length: 1\r\nA: b\r\nTransfer-Encoding: chunked\r\nC: d\r\nTE: x\r\n",
  );
  assert.equal(list.lines(""), "A: b\r\nC: d\r\n");
});

test("a block is sent as one text until one of its fields is changed", () => {
  const names = ["X-Forwarded-Proto", "X-Forwarded-Port"];
  const block = {
    text: "X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n",
    ids: names.map((name) => knownHeaderId(name.toLowerCase())),
    names,
    values: ["http", "80"],
  };
  const list = parsed("A: b\r\n");
  list.appendBlock(block);
  assert.equal(list.get("x-forwarded-port"), "80");
  assert.equal(list.lines(""), `A: b\r\n${block.text}`);
  list.append("C", "d");
  assert.equal(list.lines(""), `A: b\r\n${block.text}C: d\r\n`);
  list.set("X-Forwarded-Proto", "https");
  assert.equal(
    list.lines(""),
    "A: b\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 80\r\nC: d\r\n",
  );
  list.delete("x-forwarded-port");
  assert.equal(list.lines(""), "A: b\r\nX-Forwarded-Proto: https\r\nC: d\r\n");
});

test("HeaderList.lines() ends an X-Forwarded-For that is there with the peer's address", () => {
  const list = parsed("A: b\r\nX-Forwarded-For: 1.1.1.1\r\nC: d\r\n");
  assert.equal(list.lines("2.2.2.2"), "A: b\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nC: d\r\n");
  assert.equal(list.lines(""), "A: b\r\nX-Forwarded-For: 1.1.1.1\r\nC: d\r\n");
});

test("HeaderList grows beyond its first capacity and starts over after clear()", () => {
  const list = new HeaderList();
  for (let index = 0; index < 100; index += 1) list.append(`X-${index}`, `${index}`);
  assert.equal(list.get("x-99"), "99");
  assert.equal(list.lines("").split("\r\n").length, 101);
  list.clear();
  assert.deepEqual([list.length, list.lines(""), list.has("x-1")], [0, "", false]);
});

test("HeaderList refuses what could not be sent as one line", () => {
  const list = new HeaderList();
  const message = 'Cannot set header "X": the value holds a control character';
  for (const value of ["a\r\nb", "a\nb", "\0", "\x7f"]) {
    assert.throws(() => list.append("X", value), { message });
    assert.throws(() => list.set("X", value), { message });
  }
  for (const name of ["", "a b", "a:", "ä", "a\r\n"]) assert.throws(() => list.set(name, "x"));
  assert.equal(list.length, 0);
});

test("HeaderList sends text beyond Latin-1 as UTF-8, so that no character turns into a line end", () => {
  const list = new HeaderList();
  list.append("X", "\u010a\u010d \u20ac");
  assert.equal(
    Buffer.from(list.lines(""), "latin1").toString("utf8"),
    "X: \u010a\u010d \u20ac\r\n",
  );
});
