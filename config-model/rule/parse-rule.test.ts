import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { vectors } from "../../test/support/vectors.ts";
import type { RuleProtocol } from "./matcher-catalog.ts";
import { parseRule, type RuleProblem } from "./parse-rule.ts";
import type { Matcher, MatcherName, Rule } from "./rule.ts";
import { defaultRulePriority } from "./rule-priority.ts";

interface RuleVector {
  readonly source: string;
  readonly rule: string;
  readonly expectedError: boolean;
}

interface PriorityVector {
  readonly source: string;
  readonly rule?: string;
  readonly expectedComputedPriority?: number;
}

interface TreeVector {
  readonly source: string;
  readonly rule: string;
  readonly expectParseErr?: boolean;
  readonly tree?: VectorTree;
}

interface VectorTree {
  readonly Matcher: string;
  readonly Not?: boolean;
  readonly Value?: readonly string[];
  readonly RuleLeft?: VectorTree;
  readonly RuleRight?: VectorTree;
}

/** ``unknown matcher "Hst" at column 3``; with the line when the rule has several. */
function describeRuleProblem(text: string, { offset, message }: RuleProblem): string {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const column = offset - lineStart + 1;
  const where = text.trimEnd().includes("\n")
    ? `line ${before.split("\n").length}, column ${column}`
    : `column ${column}`;
  return `${message} (${where} of the rule)`;
}

function parsed(text: string, protocol: RuleProtocol = "http"): Rule {
  const outcome = parseRule(text, protocol);
  assert.ok(outcome.ok, outcome.ok ? "" : describeRuleProblem(text, outcome.problem));
  return outcome.rule;
}

function problem(text: string, protocol: RuleProtocol = "http"): string {
  const outcome = parseRule(text, protocol);
  assert.ok(!outcome.ok, `${text} is valid`);
  return describeRuleProblem(text, outcome.problem);
}

function matcher(name: MatcherName, argument: string, negated = false): Matcher {
  return { kind: "matcher", name, arguments: [argument], negated };
}

describe("parseRule() on Traefik's vectors", () => {
  for (const [name, protocol] of [
    ["http-rules", "http"],
    ["tcp-rules", "tcp"],
  ] as const) {
    for (const { source, rule, expectedError } of vectors<RuleVector>(name)) {
      test(`${expectedError ? "refuses" : "accepts"} ${rule} (${source})`, () => {
        assert.equal(parseRule(rule, protocol).ok, !expectedError);
      });
    }
  }

  /** The vectors' matcher `m` is not one of ours; a path stands for it. */
  function ours(text: string): string {
    return text.replaceAll("m(`", "Path(`/").replaceAll("m()", "Path()");
  }

  function treeOf({ Matcher: name, Not, Value, RuleLeft, RuleRight }: VectorTree): Rule {
    if (RuleLeft === undefined || RuleRight === undefined) {
      return matcher("Path", `/${Value?.[0]}`, Not === true);
    }
    return { kind: name === "and" ? "all" : "any", rules: [treeOf(RuleLeft), treeOf(RuleRight)] };
  }

  for (const { source, rule, expectParseErr, tree } of vectors<TreeVector>("rule-tree")) {
    test(`builds the tree of ${rule} (${source})`, () => {
      // An empty call is a tree there and an error one step later; here both are one step.
      if (expectParseErr === true || tree === undefined || tree.Value?.length === 0) {
        assert.equal(parseRule(ours(rule), "http").ok, false);
      } else {
        assert.deepEqual(parsed(ours(rule)), treeOf(tree));
      }
    });
  }

  for (const [name, protocol] of [
    ["http-priority", "http"],
    ["tcp-priority", "tcp"],
  ] as const) {
    for (const { source, rule, expectedComputedPriority } of vectors<PriorityVector>(name)) {
      if (rule === undefined || expectedComputedPriority === undefined) continue;
      test(`gives ${rule} its default priority (${source})`, () => {
        const priority = defaultRulePriority(rule, parsed(rule, protocol));
        assert.equal(priority, BigInt(expectedComputedPriority));
      });
    }
  }
});

describe("parseRule()", () => {
  const [a, b, c] = [matcher("Path", "/a"), matcher("Path", "/b"), matcher("Path", "/c")];
  const not = (rule: Matcher): Matcher => ({ ...rule, negated: !rule.negated });

  for (const [text, rule] of [
    [
      "Path(`/a`) || Path(`/b`) && Path(`/c`)",
      { kind: "any", rules: [a, { kind: "all", rules: [b, c] }] },
    ],
    [
      "(Path(`/a`) || Path(`/b`)) && Path(`/c`)",
      { kind: "all", rules: [{ kind: "any", rules: [a, b] }, c] },
    ],
    ["Path(`/a`) && (Path(`/b`) && Path(`/c`))", { kind: "all", rules: [a, b, c] }],
    ["!Path(`/a`) && Path(`/b`)", { kind: "all", rules: [not(a), b] }],
    ["!!Path(`/a`)", a],
    [
      "!(Path(`/a`) && !Path(`/b`) || Path(`/c`))",
      { kind: "all", rules: [{ kind: "any", rules: [not(a), b] }, not(c)] },
    ],
    ["!(Path(`/a`) || Path(`/b`)) && Path(`/c`)", { kind: "all", rules: [not(a), not(b), c] }],
    ['Path("\\x2fa")', a],
    ["Path(\n`/a`,\n)", a],
    ["Path(`/a`) ||\n  Path(`/b`)\n", { kind: "any", rules: [a, b] }],
  ] as const satisfies readonly (readonly [string, Rule])[]) {
    test(`brings ${JSON.stringify(text)} into normal form`, () => {
      assert.deepEqual(parsed(text), rule);
    });
  }

  for (const [text, expected] of [
    ["Host(`EXAMPLE.com.`)", matcher("Host", "example.com")],
    ["Host(`*`)", matcher("Host", "*")],
    ["Host(`*.Example.com`)", matcher("Host", "*.example.com")],
    ["METHOD(`get`)", matcher("Method", "GET")],
    ["Clientip(`10.0.0.0/8`)", matcher("ClientIP", "10.0.0.0/8")],
    ["Header(`X-Name`, `V`)", { ...matcher("Header", ""), arguments: ["x-name", "V"] }],
    ["QueryRegexp(`q`)", matcher("Query", "q")],
  ] as const) {
    test(`normalises the arguments of ${text}`, () => {
      assert.deepEqual(parsed(text), expected);
    });
  }

  for (const [text, expected] of [
    ["", "the rule is empty (column 1 of the rule)"],
    ["Hots(`a`)", 'unknown matcher "Hots", did you mean "Host"? (column 1 of the rule)'],
    [
      "Host(`a`) && Foo(`b`)",
      /^unknown matcher "Foo", valid are Host, .* \(column 14 of the rule\)$/,
    ],
    ["hostRegexp(`a`)", /^unknown matcher "hostRegexp", did you mean "HostRegexp"/],
    ["HostSNI(`a`)", 'matcher "HostSNI" is for TCP routers (column 1 of the rule)'],
    ["Host(`a`) &&", "expected a matcher, found the end of the rule (column 13 of the rule)"],
    ["Host(`a`) & Host(`b`)", 'unexpected "&", did you mean "&&"? (column 11 of the rule)'],
    [
      "Host(`a`) Host(`b`)",
      'expected "&&", "||" or the end of the rule, found "Host" (column 11 of the rule)',
    ],
    ["(Host(`a`)", 'the "(" here is not closed (column 1 of the rule)'],
    ["Host(`a`", 'the "(" here is not closed (column 5 of the rule)'],
    ["Host(`a", "the string that starts here is not closed (column 6 of the rule)"],
    ["Host('a')", "single quotes are not allowed, use backticks (column 6 of the rule)"],
    [
      "Host(a)",
      'expected a string in backticks or double quotes, found "a" (column 6 of the rule)',
    ],
    ["Host", 'expected "(" after "Host", found the end of the rule (column 5 of the rule)'],
    ["Host(`a`, `b`)", "Host takes 1 argument, not 2 (column 1 of the rule)"],
    ["Host(``)", "empty argument of Host (column 6 of the rule)"],
    ["Path(`a`)", 'Path: path "a" must start with "/" (column 6 of the rule)'],
    [
      "Host(`ä.de`)",
      'Host: host "ä.de" has other than ASCII characters, write it as punycode (column 6 of the rule)',
    ],
    ['Host("\\q")', "unknown escape sequence (column 7 of the rule)"],
    ["Path(`/`) &&\n  Pat(`/`)", /\(line 2, column 3 of the rule\)$/],
    ["Host(`a`\n)", /^a line break is allowed after an operator, not before it \(line 1, column 9/],
    ["Host\n(`a`)", /^a line break is allowed after an operator, not before it \(line 1, column 5/],
    [
      "Path(`/`)\n && Path(`/`)",
      "a line break is allowed after an operator, not before it (line 1, column 10 of the rule)",
    ],
    [
      "HeaderRegexp(`a`, `(?=x)`)",
      /^HeaderRegexp: invalid regular expression: .* \(column 19 of the rule\)$/,
    ],
    ["ClientIP(`fe80::1%eth0`)", /neither an IP address nor a CIDR range/],
  ] as const) {
    test(`says what is wrong in ${JSON.stringify(text)}`, () => {
      const message = problem(text);
      if (typeof expected === "string") assert.equal(message, expected);
      else assert.match(message, expected);
    });
  }

  test("refuses a reserved protocol", () => {
    assert.match(problem("ALPN(`acme-tls/1`)", "tcp"), /reserved for certificate challenges/);
  });

  test("allows 32 levels and refuses 33", () => {
    const nested = (levels: number): string =>
      levels === 1
        ? "Path(`/`)"
        : `Path(\`/\`) ${levels % 2 === 0 ? "&&" : "||"} (${nested(levels - 1)})`;
    assert.ok(parseRule(nested(32), "http").ok);
    assert.equal(
      problem(nested(33)),
      "the rule is nested more than 32 levels deep (column 1 of the rule)",
    );
    assert.ok(parseRule(`${"(".repeat(900)}Path(\`/\`)${")".repeat(900)}`, "http").ok);
    assert.match(problem("(".repeat(1_000_000)), /more than 1000 nested parentheses/);
    assert.match(problem("!".repeat(1_000_000)), /more than 1000 nested parentheses/);
  });
});

describe("parseRule() on any input", () => {
  const texts = fc
    .string({ minLength: 1, maxLength: 8 })
    .filter((text) => /^[\w/ .*-]+$/.test(text));
  const leaf: fc.Arbitrary<Rule> = fc
    .tuple(fc.constantFrom<MatcherName>("Path", "PathPrefix"), texts, fc.boolean())
    .map(([name, text, negated]) => matcher(name, `/${text}`, negated));
  const { rule: anyRule } = fc.letrec<{ rule: Rule }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc
        .tuple(
          fc.constantFrom("all" as const, "any" as const),
          fc.array(tie("rule"), { minLength: 2, maxLength: 4 }),
        )
        .map(
          ([kind, rules]): Rule => ({
            kind,
            rules: rules.flatMap((inner) => (inner.kind === kind ? inner.rules : [inner])),
          }),
        ),
    ),
  }));

  function print(rule: Rule): string {
    if (rule.kind === "matcher") {
      return `${rule.negated ? "!" : ""}${rule.name}(\`${rule.arguments.join("`, `")}\`)`;
    }
    const operator = rule.kind === "all" ? " && " : " || ";
    return rule.rules
      .map((inner) => (inner.kind === "matcher" ? print(inner) : `(${print(inner)})`))
      .join(operator);
  }

  test("gives back the rule that was printed", () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        assert.deepEqual(parsed(print(rule)), rule);
      }),
    );
  });

  test("pushes a negation down without changing what it means", () => {
    const negation = (rule: Rule): Rule =>
      rule.kind === "matcher"
        ? { ...rule, negated: !rule.negated }
        : { kind: rule.kind === "all" ? "any" : "all", rules: rule.rules.map(negation) };
    fc.assert(
      fc.property(anyRule, (rule) => {
        assert.deepEqual(parsed(`!(${print(rule)})`), negation(rule));
      }),
    );
  });

  test("never throws, and places every problem inside the text", () => {
    const pieces = fc.constantFrom(
      "Host",
      "path",
      "(",
      ")",
      "!",
      "&&",
      "||",
      "&",
      ",",
      "`a`",
      '"b"',
      "`/`",
      "`",
      '"',
      "\\",
      "\n",
      " ",
      "'",
      "é",
      "\ud800",
    );
    const input = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(input, fc.constantFrom<RuleProtocol>("http", "tcp"), (text, protocol) => {
        const outcome = parseRule(text, protocol);
        if (outcome.ok) return;
        assert.ok(outcome.problem.offset >= 0 && outcome.problem.offset <= text.length);
        assert.notEqual(outcome.problem.message, "");
      }),
      { numRuns: 2_000 },
    );
  });

  /** Doubling the input may double the time, not square it; generous, because the machine is shared. */
  test("takes time in proportion to the text", () => {
    const timeOf = (count: number) => {
      const text = Array.from({ length: count }, (_, index) => `Host(\`${index}.example\`)`).join(
        " || ",
      );
      const start = process.cpuUsage();
      assert.ok(parseRule(text, "http").ok);
      return process.cpuUsage(start).user;
    };
    timeOf(20_000);
    const [small, large] = [timeOf(10_000), timeOf(80_000)];
    assert.ok(large < 30 * Math.max(small, 4_000), `${small} and ${large} microseconds`);
  });
});

test("parseRule() takes half a surrogate pair for what it becomes on the wire", () => {
  assert.deepEqual(parsed("Header(`X`, `\ud800`)"), parsed("Header(`X`, `\ufffd`)"));
});
