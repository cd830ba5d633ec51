import assert from "node:assert/strict";
import { test } from "node:test";
import type { TcpRouterConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { decodeRule } from "../../config-model/snapshot/rule-codec.ts";
import { tcpRouter } from "../../test/support/dynamic-config.ts";
import { compileTcpRouter } from "./compile-tcp-router.ts";
import type { CompiledContent } from "./compiled-content.ts";

const key = { kind: "tcpRouter", name: "db@file" } as const;

function compiled(rule: string, tls?: Partial<TcpRouterConfig["tls"]>): CompiledContent {
  const withTls = tls && { options: undefined, passthrough: false, ...tls };
  const config = tcpRouter({ service: "db", rule, tls: withTls });
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

for (const [written, expected] of [
  [{}, { options: "default", passthrough: false }],
  [{ options: "default" }, { options: "default", passthrough: false }],
  [{ options: "strict" }, { options: "strict@file", passthrough: false }],
  [{ options: "strict@etcd" }, { options: "strict@etcd", passthrough: false }],
  [
    { options: "strict", passthrough: true },
    { options: "", passthrough: true },
  ],
] as const) {
  test(`compileTcpRouter() with TLS ${JSON.stringify(written)}`, () => {
    for (const rule of ["HostSNI(`db.test`) && ALPN(`h2`)", "ALPN(`h2`)", "HostSNI(`*`)"]) {
      const content = compiled(rule, written);
      assert.ok(content.kind === "usable" && content.body.$case === "tcpRouter", rule);
      assert.deepEqual(content.body.value.tls, expected);
      assert.deepEqual(content.problems, []);
    }
  });
}
