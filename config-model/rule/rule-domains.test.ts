import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { vectors } from "../../test/support/vectors.ts";
import type { RuleProtocol } from "./matcher-catalog.ts";
import { parseRule } from "./parse-rule.ts";
import { ruleDomains } from "./rule-domains.ts";

interface DomainsVector {
  readonly source: string;
  readonly rule: string;
  readonly expectedDomains: readonly string[] | null;
  readonly expectedError: boolean;
}

/** Names of a rule; none of one that is refused. */
function domains(text: string, protocol: RuleProtocol): readonly string[] {
  const parsed = parseRule(text, protocol);
  return parsed.ok ? ruleDomains(parsed.rule) : [];
}

describe("ruleDomains() on Traefik's vectors", () => {
  for (const { source, rule, expectedDomains, expectedError } of vectors<DomainsVector>(
    "rule-domains",
  )) {
    test(`${rule} (${source})`, () => {
      const protocol = source.includes("/tcp/") ? "tcp" : "http";
      // Traefik looks for names before it checks arguments; here both happen at once, so the argument has to be valid.
      const valid = rule.replaceAll("`10.1`", "`10.1.0.0`");
      assert.deepEqual(domains(valid, protocol), expectedDomains ?? []);
      // A call without arguments names nothing in Traefik and is refused a step later; here the rule is refused.
      const refused = expectedError || rule.includes("()");
      assert.equal(parseRule(valid, protocol).ok, !refused);
    });
  }
});

const cases: readonly (readonly [
  rule: string,
  protocol: RuleProtocol,
  names: readonly string[],
])[] = [
  ["Host(`b.test`) || Host(`a.test`) || Host(`B.test.`)", "http", ["b.test", "a.test"]],
  ["!Host(`a.test`) && !(Host(`b.test`) || Path(`/`))", "http", ["a.test", "b.test"]],
  ["Host(`*`) || Host(`*.Example.com`)", "http", ["*", "*.example.com"]],
  ["HostRegexp(`a.test`) || Header(`Host`, `b.test`)", "http", []],
  ["HostSNI(`*`)", "tcp", ["*"]],
  ["HostSNI(`*.X.test`) && ALPN(`h2`) || HostSNIRegexp(`y`)", "tcp", ["*.x.test"]],
];

for (const [rule, protocol, names] of cases) {
  test(`ruleDomains() of ${rule}`, () => assert.deepEqual(domains(rule, protocol), names));
}

test("ruleDomains() of ten thousand alternatives names each once", () => {
  const rule = Array.from({ length: 10_000 }, (_, index) => `Host(\`h${index % 5000}\`)`);
  assert.equal(domains(rule.join(" || "), "http").length, 5000);
});
