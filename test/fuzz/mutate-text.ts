/** Damages a text the way editors, copies and attackers do: in characters, in bytes, in pieces. */
import type { SeededRandom } from "../support/seeded-random.ts";

const maxCharacters = 20_000;

const oddTexts = [
  "\u0000",
  "\ufeff",
  "\ud800",
  "\udc00",
  "\u2028",
  "\u0085",
  "\u00a0",
  "\r",
  "\r\n",
  "\t",
  "\u001b[0m",
  "é",
  "𝔘",
  "İ",
  "ﬀ",
  "`",
  '"',
  "'",
  "\\",
  "{{",
  "}}",
  "${",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "-1",
  "9223372036854775808",
  "-9223372036854775809",
  "1e999",
  "0x",
  "NaN",
  "99999999999999999999999999",
] as const;

export function mutate(random: SeededRandom, text: string, others: readonly string[]): string {
  let mutated = text;
  const rounds = 1 + random.below(4);
  for (let round = 0; round < rounds; round++) mutated = mutateOnce(random, mutated, others);
  return mutated.slice(0, maxCharacters);
}

function mutateOnce(random: SeededRandom, text: string, others: readonly string[]): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + random.below(random.chance(0.2) ? 200 : 12));
  const [before, piece, after] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
  switch (random.below(9)) {
    case 0:
      return before + after;
    case 1:
      return before + piece + piece + after;
    case 2:
      return before + random.pick(oddTexts) + piece + after;
    case 3:
      return before + random.pick(oddTexts) + after;
    case 4:
      return before + piece.repeat(2 + random.below(random.chance(0.1) ? 2_000 : 20)) + after;
    case 5:
      return before;
    case 6: {
      const other = random.pick(others);
      const from = random.below(other.length + 1);
      return before + other.slice(from, from + 1 + random.below(60)) + after;
    }
    case 7: {
      const bytes = Buffer.from(text);
      if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
      return bytes.toString();
    }
    default:
      return swapLines(random, text);
  }
}

function swapLines(random: SeededRandom, text: string): string {
  const lines = text.split("\n");
  const [a, b] = [random.below(lines.length), random.below(lines.length)];
  const [first = "", second = ""] = [lines[a], lines[b]];
  lines[a] = second;
  lines[b] = first;
  return lines.join("\n");
}
