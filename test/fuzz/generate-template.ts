/** Templates by the grammar: every function with arguments of every kind, blocks in one another. */
import type { SeededRandom } from "../support/seeded-random.ts";

const functionNames = [
  "eq ne lt le gt ge and or not len index slice print println printf env lower upper title trim",
  "trimAll trimPrefix trimSuffix replace contains hasPrefix hasSuffix repeat quote squote toString",
  "indent nindent b64enc b64dec split splitList join normalize default empty coalesce ternary list",
  "dict get until untilStep first last rest has uniq sortAlpha add mul max min sub div mod int atoi",
  "regexMatch regexReplaceAll",
].flatMap((line) => line.split(" "));

const literals = [
  '""',
  '"a"',
  '"a,b,c"',
  '"SECRET"',
  '"MISSING"',
  '"%d %5.2f %-8s|%q %x %v %%"',
  '"%999999999d"',
  '"%.101f"',
  '"(a*)*b"',
  "`$1$$${" + "x}`",
  '"é𝔘\\u2028"',
  "`raw\n  text`",
  "'x'",
  "0",
  "1",
  "-1",
  "3",
  "1000",
  "9223372036854775807",
  "-9223372036854775808",
  "0x1F",
  "1_000",
  "1.5",
  "1e300",
  "-0.0",
  "true",
  "false",
  "nil",
  ".",
  "$",
  "$x",
] as const;

export function generateTemplate(random: SeededRandom): string {
  return `{{ $x := ${operand(random, 2)} }}${nodes(random, 3)}`;
}

function nodes(random: SeededRandom, depth: number): string {
  return Array.from({ length: 1 + random.below(3) }, () => node(random, depth)).join("");
}

function node(random: SeededRandom, depth: number): string {
  const [open, close] = [random.pick(["{{ ", "{{- "]), random.pick([" }}", " -}}"])];
  const kind = depth === 0 ? random.below(2) : random.below(7);
  switch (kind) {
    case 0:
      return random.pick(["http:\n", "  a: b\n", " ", "x", "\n\n", '"', "{", "[1, 2]\n"]);
    case 1:
      return `${open}${pipe(random, 3)}${close}`;
    case 2:
      return `${open}$x = ${pipe(random, 2)}${close}`;
    case 3:
    case 4: {
      const word = random.pick(["if", "with"]);
      const otherwise = random.chance(0.5) ? `{{ else }}${nodes(random, depth - 1)}` : "";
      return `${open}${word} ${pipe(random, 2)}${close}${nodes(random, depth - 1)}${otherwise}{{ end }}`;
    }
    default: {
      const variables = random.pick(["", "$i, $x := ", "$x := ", "$i, $v := "]);
      const leave = random.chance(0.2) ? `{{ ${random.pick(["break", "continue"])} }}` : "";
      return `${open}range ${variables}${pipe(random, 2)}${close}${nodes(random, depth - 1)}${leave}{{ end }}`;
    }
  }
}

function pipe(random: SeededRandom, depth: number): string {
  const commands = [call(random, depth)];
  while (random.chance(0.3)) commands.push(call(random, depth - 1));
  return commands.join(" | ");
}

function call(random: SeededRandom, depth: number): string {
  if (random.chance(0.15)) return operand(random, depth);
  const count = random.below(4);
  return [
    random.pick(functionNames),
    ...Array.from({ length: count }, () => operand(random, depth - 1)),
  ].join(" ");
}

function operand(random: SeededRandom, depth: number): string {
  if (depth > 0 && random.chance(0.4)) {
    const field = random.chance(0.1) ? ".a" : "";
    return `(${pipe(random, depth - 1)})${field}`;
  }
  return random.pick(literals);
}
