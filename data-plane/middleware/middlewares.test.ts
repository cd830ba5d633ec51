import assert from "node:assert/strict";
import { test } from "node:test";
import { headerMap, RecordedExchange } from "../../test/support/recorded-exchange.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import { AddPrefix } from "./add-prefix.ts";
import { Chain } from "./chain.ts";
import { EncodedCharacters } from "./encoded-characters.ts";
import { Headers } from "./headers.ts";
import { ReplacePath } from "./replace-path.ts";
import { ReplacePathRegex } from "./replace-path-regex.ts";
import { StripPrefix } from "./strip-prefix.ts";
import { StripPrefixRegex } from "./strip-prefix-regex.ts";

const nothing: HttpHandler = { handle() {} };

function after(handler: HttpHandler, path: string): RecordedExchange {
  const exchange = new RecordedExchange({ path });
  exchange.run([{ current: handler }], { current: nothing });
  return exchange;
}

for (const [prefix, path, sent, routed] of [
  ["/v1", "/a%2Fb", "/v1/a%2Fb", "/v1/a%2Fb"],
  ["/ä ö", "/x", "/%C3%A4%20%C3%B6/x", "/ä ö/x"],
  ["v1", "/x", "/v1/x", "/v1/x"],
] as const) {
  test(`AddPrefix ${prefix} keeps the escaped and the routed path of ${path} in step`, () => {
    const exchange = after(new AddPrefix(prefix), path);
    assert.deepEqual([exchange.path, exchange.routingPath], [sent, routed]);
  });
}

for (const [prefixes, path, sent, routed] of [
  [["/api"], "/api/a%20b", "/a%20b", "/a b"],
  [["/ä"], "/%C3%A4/x", "/x", "/x"],
  [["/a/b"], "/a%2Fb/c", "/c", "/c"],
  [["/api", "/"], "/other", "/other", "/other"],
  [["/none"], "/api", "/api", "/api"],
  [["/api/longer"], "/api", "/api", "/api"],
] as const) {
  test(`StripPrefix ${prefixes.join(" ")} leaves ${sent} of ${path}`, () => {
    const exchange = after(new StripPrefix(prefixes), path);
    assert.deepEqual([exchange.path, exchange.routingPath], [sent, routed]);
  });
}

for (const path of ["/api../x", "/api//x", "/api./", "/api..", "/api/./x"]) {
  test(`StripPrefix refuses what is left of ${path}`, () => {
    const exchange = after(new StripPrefix(["/api"]), path);
    assert.deepEqual(exchange.answer, { status: 400, body: "Bad Request" });
  });
}

test("StripPrefix twice names both prefixes", () => {
  const exchange = new RecordedExchange({ path: "/a/b/c" });
  const cells = ["/a", "/b"].map((prefix) => ({ current: new StripPrefix([prefix]) }));
  exchange.run(cells, { current: nothing });
  assert.equal(exchange.path, "/c");
  assert.deepEqual(headerMap(exchange.requestHeaders)["X-Forwarded-Prefix"], ["/a", "/b"]);
});

test("Headers replaces every field of a name and removes what is empty", () => {
  const headers = new Headers({
    request: [
      { name: "X-Set", value: "new" },
      { name: "x-gone", value: "" },
    ],
    response: [
      { name: "Server", value: "" },
      { name: "X-Added", value: "yes" },
    ],
  });
  const exchange = new RecordedExchange({
    headers: [
      ["x-set", "old"],
      ["X-SET", "older"],
      ["X-Gone", "here"],
    ],
  });
  exchange.run([{ current: headers }], { current: nothing });
  assert.deepEqual(headerMap(exchange.requestHeaders), { "X-Set": ["new"] });
  const head = exchange.editedHead(200, [["server", "nginx"]]);
  assert.deepEqual(headerMap(head.headers), { "X-Added": ["yes"] });
});

test("Headers that deletes X-Forwarded-For keeps the peer's address out of it too", () => {
  const edit = { name: "X-Forwarded-For", value: "" };
  const exchange = after(new Headers({ request: [edit], response: [] }), "/");
  assert.equal(exchange.appendsForwardedFor, false);
});

test("Headers refuses at build time what could not be sent", () => {
  for (const edit of [
    { name: "X-Split", value: "a\r\nb" },
    { name: "not a token", value: "a" },
  ]) {
    assert.throws(() => new Headers({ request: [edit], response: [] }), /Cannot set header/);
  }
});

test("response edits of nested middlewares run from the inside out", () => {
  const setting = (value: string) =>
    new Headers({ request: [], response: [{ name: "X-Last", value }] });
  const exchange = new RecordedExchange();
  const cells = [{ current: setting("outer") }, { current: setting("inner") }];
  exchange.run(cells, { current: nothing });
  assert.deepEqual(headerMap(exchange.editedHead(200, []).headers), { "X-Last": ["outer"] });
});

test("Chain runs what its cells hold at that moment, then what comes after it", () => {
  const cell = { current: new AddPrefix("/old") as HttpHandler };
  const chain = new Chain([cell, { current: new AddPrefix("/first") }]);
  cell.current = new AddPrefix("/new");
  const exchange = new RecordedExchange({ path: "/x" });
  exchange.run([{ current: chain }, { current: new AddPrefix("/last") }], { current: nothing });
  assert.equal(exchange.path, "/last/first/new/x");
});

for (const [expressions, path, sent, prefix] of [
  [["/ä"], "/%C3%A4/x", "/x", "/ä"],
  [["/a/[a-z]+"], "/a%2Fbc/x", "/x", "/a/bc"],
  [["x", "/[0-9]+"], "/12/x", "/x", "/12"],
  [["/x"], "/a/x", "/a/x", undefined],
  [[".*"], "/%FF/x", "/%FF/x", undefined],
  [[" /a "], "/a/b", "/b", "/a"],
  [["z*"], "/a", "/a", undefined],
] as const) {
  test(`StripPrefixRegex ${expressions.join(", ")} leaves ${sent} of ${path}`, () => {
    const exchange = after(new StripPrefixRegex(expressions), path);
    assert.equal(exchange.path, sent);
    const named = exchange.requestHeaders.get("x-forwarded-prefix");
    assert.equal(named && Buffer.from(named, "latin1").toString("utf8"), prefix);
  });
}

for (const path of ["/a%0Ab/x", "/a./x"]) {
  test(`StripPrefixRegex refuses ${path}`, () => {
    const exchange = after(new StripPrefixRegex(["/a[^./]*"]), path);
    assert.deepEqual(exchange.answer, { status: 400, body: "Bad Request" });
  });
}

test("ReplacePath keeps the escaped and the routed path in step and names what it replaced", () => {
  const exchange = after(new ReplacePath("/ä%2Fb?c"), "/x%2Fy");
  assert.deepEqual(
    [exchange.path, exchange.routingPath, exchange.requestHeaders.get("x-replaced-path")],
    ["/%C3%A4%2Fb%3Fc", "/ä%2Fb%3Fc", "/x%2Fy"],
  );
});

test("a path with a malformed escape is 500, where it is put and where it comes about", () => {
  assert.equal(after(new ReplacePath("/%zz"), "/").answer?.status, 500);
  assert.equal(after(new ReplacePathRegex("%2F", "%"), "/a%2Fb").answer?.status, 500);
});

test("ReplacePathRegex rewrites the escaped path and refuses what is not clean", () => {
  const rewrite = new ReplacePathRegex(" ^/api/(.*) ", " /v1/$1 ");
  const exchange = after(rewrite, "/api/a%20b");
  assert.deepEqual([exchange.path, exchange.routingPath], ["/v1/a%20b", "/v1/a b"]);
  assert.equal(exchange.requestHeaders.get("x-replaced-path"), "/api/a%20b");
  const other = after(rewrite, "/other");
  assert.equal(other.requestHeaders.get("x-replaced-path"), undefined);
  assert.equal(after(new ReplacePathRegex("/a", ""), "/a/a./x").answer?.status, 400);
  assert.equal(after(new ReplacePathRegex("^/a", ".."), "/a/x").answer?.status, 400);
});

test("EncodedCharacters sees the path as the middlewares before it leave it", () => {
  const exchange = new RecordedExchange({ path: "/x" });
  const cells = [{ current: new AddPrefix("/a%2fb") }, { current: new EncodedCharacters("/") }];
  exchange.run(cells, { current: nothing });
  assert.equal(exchange.answer?.status, 400);
});
