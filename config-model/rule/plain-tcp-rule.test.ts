import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRule } from "./parse-rule.ts";
import { plainTcpRule } from "./plain-tcp-rule.ts";
import type { Rule } from "./rule.ts";

function parsed(text: string): Rule {
  const outcome = parseRule(text, "tcp");
  assert.ok(outcome.ok, text);
  return outcome.rule;
}

const cases: readonly (readonly [rule: string, plain: string | undefined, never: string])[] = [
  ["HostSNI(`*`) && ClientIP(`10.0.0.1`)", "HostSNI(`*`) && ClientIP(`10.0.0.1`)", ""],
  ["ALPN(`h2`)", undefined, "ALPN h2"],
  ["!ALPN(`h2`)", "HostSNI(`*`)", ""],
  ["HostSNIRegexp(`^a`)", undefined, "HostSNIRegexp ^a"],
  ["HostSNIRegexp(`.*`)", "HostSNI(`*`)", ""],
  ["!HostSNIRegexp(`.*`)", undefined, "HostSNIRegexp .*"],
  ["!HostSNIRegexp(`a`)", "HostSNI(`*`)", ""],
  ["ALPN(`h2`) || ClientIP(`10.0.0.1`)", "ClientIP(`10.0.0.1`)", "ALPN h2"],
  ["ALPN(`h2`) && ClientIP(`10.0.0.1`)", undefined, "ALPN h2"],
  ["!ALPN(`h2`) || ClientIP(`10.0.0.1`)", "HostSNI(`*`)", ""],
  ["ALPN(`a`) || ALPN(`b`)", undefined, "ALPN a, ALPN b"],
  [
    "ClientIP(`::1`) || !ALPN(`h2`) && (ClientIP(`::2`) || ClientIP(`::3`))",
    "ClientIP(`::1`) || ClientIP(`::2`) || ClientIP(`::3`)",
    "",
  ],
  [
    "ClientIP(`::1`) && (HostSNIRegexp(`x`) || ClientIP(`::2`) && ClientIP(`::3`))",
    "ClientIP(`::1`) && ClientIP(`::2`) && ClientIP(`::3`)",
    "HostSNIRegexp x",
  ],
];

for (const [text, plain, never] of cases) {
  test(`plainTcpRule() makes ${plain ?? "nothing"} of ${text}`, () => {
    const { rule, neverMatching } = plainTcpRule(parsed(text));
    assert.deepEqual(rule, plain === undefined ? undefined : parsed(plain));
    const named = neverMatching.map(({ name, arguments: [argument] }) => `${name} ${argument}`);
    assert.equal(named.join(", "), never);
  });
}
