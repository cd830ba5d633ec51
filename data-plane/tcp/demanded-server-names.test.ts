import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { demandedServerNames } from "./demanded-server-names.ts";
import { offeredProtocols } from "./offered-protocols.ts";

for (const [rule, expected] of [
  ["HostSNI(`a.test`)", ["a.test"]],
  ["HostSNI(`A.test.`)", ["a.test"]],
  ["HostSNI(`*.a.test`)", ["*.a.test"]],
  ["HostSNI(`*`)", undefined],
  ["!HostSNI(`a.test`)", undefined],
  ["HostSNIRegexp(`a`)", undefined],
  ["HostSNI(`a.test`) && ALPN(`h2`)", ["a.test"]],
  ["ClientIP(`::1`) && (HostSNI(`a.test`) || HostSNI(`b.test`))", ["a.test", "b.test"]],
  ["HostSNI(`c.test`) && (HostSNI(`a.test`) || HostSNI(`b.test`))", ["c.test"]],
  ["HostSNI(`a.test`) || ALPN(`h2`)", undefined],
] as const) {
  test(`demandedServerNames() of ${rule}`, () => {
    assert.deepEqual(demandedServerNames(ruleOf(rule, "tcp")), expected);
  });
}

for (const [rule, expected] of [
  ["HostSNI(`a.test`)", ["h2", "http/1.1"]],
  ["ALPN(`mqtt`) || ALPN(`http/1.1`) && !ALPN(`x`)", ["mqtt", "http/1.1", "h2"]],
] as const) {
  test(`offeredProtocols() of ${rule}`, () => {
    assert.deepEqual(offeredProtocols(ruleOf(rule, "tcp")), expected);
  });
}
