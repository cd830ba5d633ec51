import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedUpgrade, isAskedFor } from "./upgrade-protocols.ts";

test("allowedUpgrade() leaves out what is no protocol, and what would carry requests past us", () => {
  const allowed: readonly (readonly [string, string])[] = [
    ["websocket", "websocket"],
    ["WebSocket", "WebSocket"],
    ["h2c", ""],
    ["H2C", ""],
    ["h2c, websocket", "websocket"],
    ["websocket,h2c ,\t foo/1", "websocket, foo/1"],
    ["HTTP/2.0", ""],
    ["http", ""],
    ["TLS/1.0", ""],
    ["h2c/1", ""],
    ["h2chat", "h2chat"],
    ["web socket", ""],
    ["web/so/cket", ""],
    [",,", ""],
    ["", ""],
  ];
  for (const [asked, expected] of allowed) assert.equal(allowedUpgrade(asked), expected, asked);
});

test("isAskedFor() wants every protocol of the answer among those of the request, and one at least", () => {
  assert.ok(isAskedFor("WebSocket", "foo/1, websocket"));
  assert.ok(isAskedFor("foo/1,websocket", "websocket, foo/1"));
  for (const [chosen, asked] of [
    ["", "websocket"],
    ["", ""],
    ["h2c", "websocket"],
    ["websocket, h2c", "websocket"],
    ["websocket", ""],
    ["web", "websocket"],
  ] as const) {
    assert.ok(!isAskedFor(chosen, asked), `${chosen} of ${asked}`);
  }
});
