/** Rules by the grammar, valid for the most part, and the text of a parsed rule. */
import type { RuleProtocol } from "../../config-model/rule/matcher-catalog.ts";
import type { Rule } from "../../config-model/rule/rule.ts";
import type { SeededRandom } from "../support/seeded-random.ts";

const texts = ["a.test", "*", "*.A.test.", "/x", "/", "", "b", "10.0.0.0/8", "::1", "h2", "ü"];
const expressions = ["^a", "[a-z]+\\.test$", "(?i)x|y", "", ".*", "(", "a{1000}", "\\p{L}", "[^/]"];

const argumentsOf: Readonly<Record<RuleProtocol, Readonly<Record<string, readonly string[]>>>> = {
  http: {
    Host: ["h"],
    HostRegexp: ["r"],
    Path: ["p"],
    PathPrefix: ["p"],
    PathRegexp: ["r"],
    Method: ["m"],
    Header: ["n", "h"],
    HeaderRegexp: ["n", "r"],
    Query: ["n", "h"],
    QueryRegexp: ["n", "r"],
    ClientIP: ["a"],
  },
  tcp: { HostSNI: ["h"], HostSNIRegexp: ["r"], ClientIP: ["a"], ALPN: ["n"] },
};

export function generateRule(random: SeededRandom, protocol: RuleProtocol, depth = 5): string {
  const kind = depth === 0 ? 0 : random.below(10);
  if (kind < 4) return call(random, protocol);
  const inner = () => generateRule(random, protocol, depth - 1);
  if (kind === 4) return `!${inner()}`;
  if (kind < 7) return `(${inner()})`;
  const operator = random.chance(0.5) ? "&&" : "||";
  const count = random.chance(0.05) ? 40 : 2 + random.below(3);
  const space = random.pick([" ", "", "\n", "\t"]);
  return Array.from({ length: count }, inner).join(
    `${space === "\n" ? "" : space}${operator}${space}`,
  );
}

function call(random: SeededRandom, protocol: RuleProtocol): string {
  const [name, forms] = random.pick(Object.entries(argumentsOf[protocol]));
  const spelt = random.pick([name, name, name, name.toLowerCase(), name.toUpperCase()]);
  const count = random.chance(0.05) ? random.below(4) : forms.length;
  const values = Array.from({ length: count }, (_, index) => argument(random, forms[index]));
  return `${spelt}(${values.map((value) => quoted(random, value)).join(", ")})`;
}

function argument(random: SeededRandom, form: string | undefined): string {
  if (random.chance(0.05)) return random.pick([...texts, ...expressions]);
  switch (form) {
    case undefined:
    case "r":
      return random.pick(expressions.filter((text) => text !== "" && text !== "("));
    case "p":
      return random.pick(["/", "/x", "/x/y%20", "/ü"]);
    case "a":
      return random.pick(["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"]);
    case "m":
      return random.pick(["get", "POST"]);
    case "n":
      return random.pick(["X-A", "host", "h2"]);
    default:
      return random.pick(["a.test", "*", "*.A.test.", "b"]);
  }
}

function quoted(random: SeededRandom, value: string): string {
  return random.chance(0.7) && !value.includes("`") ? `\`${value}\`` : goString(value);
}

/** The text of a rule in normal form. */
export function writeRule(rule: Rule): string {
  if (rule.kind === "matcher") {
    const { name, arguments: values, negated } = rule;
    return `${negated ? "!" : ""}${name}(${values.map(goString).join(", ")})`;
  }
  const operator = rule.kind === "all" ? " && " : " || ";
  return rule.rules
    .map((inner) => (inner.kind === "matcher" ? writeRule(inner) : `(${writeRule(inner)})`))
    .join(operator);
}

/** A string in double quotes as Go reads it. */
function goString(value: string): string {
  const escaped = value.replaceAll(/["\\\n\r]/g, (character) =>
    character === "\n" ? "\\n" : character === "\r" ? "\\r" : `\\${character}`,
  );
  return `"${escaped}"`;
}
