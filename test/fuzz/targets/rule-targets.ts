/** The rule language: what is accepted is in normal form, means the same again, and can be built by a data plane. */
import assert from "node:assert/strict";
import type { RuleProtocol } from "../../../config-model/rule/matcher-catalog.ts";
import { parseRule } from "../../../config-model/rule/parse-rule.ts";
import { plainTcpRule } from "../../../config-model/rule/plain-tcp-rule.ts";
import { maxRuleDepth, type Rule } from "../../../config-model/rule/rule.ts";
import { ruleDomains } from "../../../config-model/rule/rule-domains.ts";
import { decodeRule, encodeRule } from "../../../config-model/snapshot/rule-codec.ts";
import { compileRule } from "../../../data-plane/routing/rule-matcher.ts";
import { compileTcpRule } from "../../../data-plane/tcp/tcp-rule.ts";
import { Rule as RuleMessage } from "../../../proto/gen/switchyard/fleet/v1/resource.ts";
import { assertSentence, type FuzzTarget } from "../fuzz-target.ts";
import { generateRule, writeRule } from "../generate-rule.ts";
import { mutate } from "../mutate-text.ts";
import { seedTexts } from "../seed-texts.ts";

function checkRule(text: string, protocol: RuleProtocol): void {
  const outcome = parseRule(text, protocol);
  assert.deepEqual(parseRule(text, protocol), outcome, "another outcome the second time");
  if (!outcome.ok) {
    const { offset, message } = outcome.problem;
    assert.ok(offset >= 0 && offset <= text.length, `offset ${offset} of ${text.length}`);
    assertSentence(message);
    return;
  }
  const { rule } = outcome;
  assertNormal(rule, maxRuleDepth);
  const again = parseRule(writeRule(rule), protocol);
  assert.deepEqual(again, outcome, "the normal form parses to something else");
  const sent = RuleMessage.encode(encodeRule(rule)).finish();
  assert.deepEqual(decodeRule(RuleMessage.decode(sent)), rule, "the wire changes the rule");
  const domains = ruleDomains(rule);
  assert.equal(new Set(domains).size, domains.length);
  if (protocol === "http") compileRule(rule);
  else checkPlain(rule);
}

function assertNormal(rule: Rule, levels: number): void {
  assert.ok(levels > 0, "too deep");
  if (rule.kind === "matcher") return;
  assert.ok(rule.rules.length > 1, `${rule.kind} of ${rule.rules.length}`);
  for (const inner of rule.rules) {
    assert.notEqual(inner.kind, rule.kind, "nested in its own kind");
    assertNormal(inner, levels - 1);
  }
}

function checkPlain(rule: Rule): void {
  const plain = plainTcpRule(rule).rule;
  if (plain === undefined) return;
  assertNormal(plain, maxRuleDepth);
  if (ruleDomains(plain).every((name) => name === "*")) compileTcpRule(plain);
}

function ruleTarget(protocol: RuleProtocol, seeds: readonly string[]): FuzzTarget {
  return {
    name: `${protocol}-rule`,
    weight: 3,
    generate: (random) => {
      const rule = random.chance(0.5) ? generateRule(random, protocol) : random.pick(seeds);
      return random.chance(0.6) ? mutate(random, rule, seeds) : rule;
    },
    check: (input) => checkRule(input, protocol),
  };
}

export const ruleTargets: readonly FuzzTarget[] = [
  ruleTarget("http", seedTexts.httpRules),
  ruleTarget("tcp", seedTexts.tcpRules),
];
