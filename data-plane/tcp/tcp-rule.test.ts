import assert from "node:assert/strict";
import { test } from "node:test";
import type { MatcherName } from "../../config-model/rule/rule.ts";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import type { ConnectionFacts } from "./connection-facts.ts";
import { compileConnectionRule } from "./connection-rule.ts";
import { compileTcpRule } from "./tcp-rule.ts";

function factsOf(fields: Partial<ConnectionFacts>): ConnectionFacts {
  return { serverName: "", alpnProtocols: [], peerAddress: "192.0.2.1", ...fields };
}

for (const [rule, fields, expected] of [
  ["HostSNI(`*`)", {}, true],
  ["HostSNI(`*`)", { serverName: "db.test" }, true],
  ["HostSNI(`db.test`)", {}, false],
  ["HostSNI(`db.test`)", { serverName: "db.test" }, true],
  ["HostSNI(`DB.Test`)", { serverName: "db.test" }, true],
  ["HostSNI(`db.test.`)", { serverName: "db.test" }, true],
  ["HostSNI(`db.test`)", { serverName: "db.test." }, true],
  ["HostSNI(`db.test`)", { serverName: "a.db.test" }, false],
  ["HostSNI(`db.test`)", { serverName: "db.test.org" }, false],
  ["HostSNI(`*.db.test`)", { serverName: "a.db.test" }, true],
  ["HostSNI(`*.db.test`)", { serverName: "a.db.test." }, true],
  ["HostSNI(`*.db.test`)", { serverName: "b.a.db.test" }, false],
  ["HostSNI(`*.db.test`)", { serverName: "db.test" }, false],
  ["HostSNI(`*.db.test`)", { serverName: ".db.test" }, false],
  ["HostSNI(`*.db.test`)", { serverName: "axdb.test" }, false],
  ["!HostSNI(`db.test`)", {}, true],
  ["!HostSNI(`*`)", { serverName: "db.test" }, false],
  ["HostSNIRegexp(`db`)", { serverName: "my.db.test" }, true],
  ["HostSNIRegexp(`^db`)", { serverName: "my.db.test" }, false],
  ["HostSNIRegexp(`.*`)", {}, true],
  ["HostSNIRegexp(`.+`)", {}, false],
  ["HostSNIRegexp(`test$`)", { serverName: "db.test." }, false],
  ["ALPN(`h2`)", { alpnProtocols: ["http/1.1", "h2"] }, true],
  ["ALPN(`h2`)", { alpnProtocols: ["H2", "h2c"] }, false],
  ["ALPN(`h2`)", {}, false],
  ["!ALPN(`h2`)", {}, true],
  ["ClientIP(`10.0.0.0/8`)", { peerAddress: "::ffff:10.1.2.3" }, true],
  ["ClientIP(`10.0.0.0/8`)", { peerAddress: "11.1.2.3" }, false],
  ["ClientIP(`2001:db8::/32`)", { peerAddress: "2001:db8::7" }, true],
  ["HostSNI(`*`) && !ClientIP(`192.0.2.0/24`)", {}, false],
  ["ALPN(`mqtt`) || HostSNI(`q.test`) && ClientIP(`10.0.0.1`)", { alpnProtocols: ["mqtt"] }, true],
  ["ALPN(`mqtt`) || HostSNI(`q.test`) && ClientIP(`10.0.0.1`)", { serverName: "q.test" }, false],
] as const) {
  test(`${rule} ${expected ? "matches" : "does not match"} ${JSON.stringify(fields)}`, () => {
    assert.equal(compileConnectionRule(ruleOf(rule, "tcp"))(factsOf(fields)), expected);
  });
}

for (const [name, values, reason] of [
  ["HostSNI", [], "HostSNI takes 1 argument"],
  ["ALPN", ["h2", "h3"], "ALPN takes 1 argument"],
  ["ClientIP", ["10.0.0"], '"10.0.0" is neither an address nor a range'],
  ["HostSNIRegexp", ["("], 'invalid regular expression "("'],
  ["PathPrefix", ["/"], "PathPrefix is a matcher for HTTP routers"],
] as const satisfies readonly (readonly [MatcherName, readonly string[], string])[]) {
  test(`compileConnectionRule() refuses ${name}(${values.join(", ")})`, () => {
    const rule = { kind: "matcher", name, arguments: values, negated: false } as const;
    assert.throws(() => compileConnectionRule(rule), { name: "RuleBuildError", message: reason });
  });
}

for (const rule of [
  "HostSNI(`db.test`)",
  "ClientIP(`::1`) || HostSNI(`*`) && !HostSNI(`db.test`)",
]) {
  test(`compileTcpRule() refuses ${rule}`, () => {
    assert.throws(() => compileTcpRule(ruleOf(rule, "tcp")), {
      message: "HostSNI(`db.test`) needs TLS, and the router has none",
    });
  });
}

test("compileTcpRule() takes what a connection without TLS answers", () => {
  const matches = compileTcpRule(
    ruleOf("HostSNI(`*`) && !ALPN(`h2`) && HostSNIRegexp(`^$`)", "tcp"),
  );
  assert.equal(matches(factsOf({})), true);
  assert.equal(compileTcpRule(ruleOf("ALPN(`h2`)", "tcp"))(factsOf({})), false);
});
