import assert from "node:assert/strict";
import { test } from "node:test";
import { Rule as RuleMessage } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { parseRule } from "../rule/parse-rule.ts";
import { decodeRule, encodeRule } from "./rule-codec.ts";

function overTheWire(message: RuleMessage): RuleMessage {
  return RuleMessage.decode(RuleMessage.encode(message).finish());
}

const rules: readonly (readonly [string, "http" | "tcp"])[] = [
  ["Host(`a.example`)", "http"],
  ["Host(`a.example`) && (PathPrefix(`/x`) || !Method(`GET`)) && Header(`X-A`, `1`)", "http"],
  ["!(HostRegexp(`^a`) && Path(`/`)) || PathRegexp(`b`) || HeaderRegexp(`x`, `y`)", "http"],
  ["Query(`a`, `b`) || QueryRegexp(`a`, `b+`) || Query(`a`) || ClientIP(`10.0.0.0/8`)", "http"],
  ["HostSNI(`*`) && !ALPN(`h2`) || HostSNIRegexp(`^x`)", "tcp"],
];

for (const [text, protocol] of rules) {
  test(`encodeRule() and decodeRule() keep ${text}`, () => {
    const parsed = parseRule(text, protocol);
    assert.ok(parsed.ok);
    assert.deepEqual(decodeRule(overTheWire(encodeRule(parsed.rule))), parsed.rule);
  });
}

test("decodeRule() refuses a matcher it does not know", () => {
  const message = RuleMessage.fromPartial({
    node: { $case: "matcher", value: { kind: 99 as never, arguments: ["x"] } },
  });
  assert.throws(() => decodeRule(overTheWire(message)), {
    name: "UnknownRuleError",
    message: "Cannot use rule: matcher 99 is unknown",
  });
});

test("decodeRule() refuses an empty node, which an unknown kind of node decodes to", () => {
  assert.throws(
    () => decodeRule({ node: { $case: "all", value: { rules: [{ node: undefined }] } } }),
    { name: "UnknownRuleError" },
  );
});
