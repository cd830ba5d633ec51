import assert from "node:assert/strict";
import { test } from "node:test";
import type { TcpRouterConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { decodeRule } from "../../config-model/snapshot/rule-codec.ts";
import { compileTcpRouter } from "./compile-tcp-router.ts";
import type { CompiledContent } from "./compiled-content.ts";

const key = { kind: "tcpRouter", name: "db@file" } as const;

function compiled(rule: string): CompiledContent {
  const config: TcpRouterConfig = {
    kind: "tcpRouter",
    entryPoints: undefined,
    service: "db",
    rule,
    priority: 0n,
    unbuilt: [],
  };
  return compileTcpRouter(key, config, ["file"]);
}

for (const [rule, subject] of [
  ["ALPN(`h2`)", "ALPN(`h2`)"],
  ["ClientIP(`10.0.0.1`) && HostSNIRegexp(`^a`)", "HostSNIRegexp(`^a`)"],
  ["!HostSNIRegexp(`.*`)", "!HostSNIRegexp(`.*`)"],
  ["HostSNI(`*`) && HostSNI(`a.test`)", "HostSNI(`a.test`)"],
] as const) {
  test(`compileTcpRouter() refuses ${rule} without TLS`, () => {
    const content = compiled(rule);
    assert.equal(content.kind, "invalid");
    assert.deepEqual(
      content.problems.map(({ message }) => message),
      [`Cannot use TCP router "db@file": ${subject} needs TLS, and the router has none`],
    );
  });
}

test("compileTcpRouter() serves what can match without TLS, and warns of what cannot", () => {
  const content = compiled("ALPN(`h2`) || HostSNIRegexp(`^$`) && ClientIP(`10.0.0.1`)");
  assert.ok(content.kind === "usable" && content.body.$case === "tcpRouter");
  assert.deepEqual(content.body.value.rule && decodeRule(content.body.value.rule), {
    kind: "matcher",
    name: "ClientIP",
    arguments: ["10.0.0.1"],
    negated: false,
  });
  assert.deepEqual(
    content.problems.map(({ severity, message }) => [severity, message]),
    [
      [
        "warning",
        'Cannot honour ALPN(`h2`) of TCP router "db@file": it needs TLS, and the router has none',
      ],
    ],
  );
});
