/** Cuts the inside of one action into tokens, one ahead. */
import { TemplateError } from "./template-error.ts";
import type { TemplateValue } from "./template-value.ts";

export type TemplateToken = { readonly offset: number; readonly end: number } & (
  | { readonly kind: "literal"; readonly value: TemplateValue }
  | { readonly kind: "word" | "variable" | "field"; readonly name: string }
  | { readonly kind: "dot" | "|" | "(" | ")" | "," | ":=" | "=" | "end" }
);

const patterns = {
  space: /[ \t\r\n]+/y,
  word: /[\p{L}_][\p{L}\p{Nd}_]*/uy,
  variable: /\$[\p{L}\p{Nd}_]*/uy,
  field: /\.[\p{L}_][\p{L}\p{Nd}_]*/uy,
  number:
    /[+-]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\p{L}\p{Nd}_.])/uy,
  string: /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"/y,
  raw: /`[^`]*`/y,
  char: /'(?:[^'\\\n]|\\[^\n])+'/y,
};

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

export class TemplateScanner {
  readonly #text: string;
  #at: number;
  #peeked: TemplateToken | undefined;

  constructor(text: string, offset: number) {
    this.#text = text;
    this.#at = offset;
  }

  peek(): TemplateToken {
    this.#peeked ??= this.#scan();
    return this.#peeked;
  }

  next(): TemplateToken {
    const token = this.peek();
    this.#peeked = undefined;
    return token;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #scan(): TemplateToken {
    const space = this.#match(patterns.space)?.length ?? 0;
    this.#at += space;
    const offset = this.#at;
    const text = this.#text;
    const token = <T extends object>(source: string, rest: T) => {
      this.#at = offset + source.length;
      return { offset, end: this.#at, ...rest };
    };
    if (text.startsWith("}}", offset)) return token("}}", { kind: "end" });
    if (space > 0 && text.startsWith("-}}", offset)) return token("-}}", { kind: "end" });
    if (offset >= text.length) throw new TemplateError(offset, `the file ends inside an action`);
    const number = this.#match(patterns.number);
    if (number !== undefined) {
      return token(number, { kind: "literal", value: parseNumber(number, offset) });
    }
    const word = this.#match(patterns.word);
    if (word === "true" || word === "false") {
      return token(word, { kind: "literal", value: word === "true" });
    }
    if (word === "nil") return token(word, { kind: "literal", value: null });
    if (word !== undefined) return token(word, { kind: "word", name: word });
    const variable = this.#match(patterns.variable);
    if (variable !== undefined) return token(variable, { kind: "variable", name: variable });
    const field = this.#match(patterns.field);
    if (field !== undefined) return token(field, { kind: "field", name: field.slice(1) });
    const quoted = this.#match(patterns.string) ?? this.#match(patterns.char);
    if (quoted !== undefined) {
      const value = unescapeText(quoted.slice(1, -1), offset + 1);
      if (!quoted.startsWith("'")) return token(quoted, { kind: "literal", value });
      const [character = "", ...more] = value;
      if (more.length > 0) throw new TemplateError(offset, "single quotes hold one character");
      return token(quoted, { kind: "literal", value: BigInt(character.codePointAt(0) ?? 0) });
    }
    const raw = this.#match(patterns.raw);
    if (raw !== undefined) return token(raw, { kind: "literal", value: raw.slice(1, -1) });
    if (text.startsWith(":=", offset)) return token(":=", { kind: ":=" });
    const character = text[offset] ?? "";
    if (/["`']/.test(character)) throw new TemplateError(offset, "the string does not end");
    switch (character) {
      case ".":
        return token(".", { kind: "dot" });
      case "|":
      case "(":
      case ")":
      case ",":
      case "=":
        return token(character, { kind: character });
    }
    const whole = String.fromCodePoint(text.codePointAt(offset) ?? 0);
    throw new TemplateError(offset, `"${whole}" cannot stand here`);
  }
}

function parseNumber(text: string, offset: number): TemplateValue {
  const digits = text.replaceAll("_", "");
  const negative = digits.startsWith("-");
  const plain = digits.replace(/^[+-]/, "");
  if (!/^0[xXoObB]/.test(plain) && /[.eE]/.test(plain)) return Number(digits);
  const octal = /^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain.toLowerCase();
  if (octal.length > 70 || /^0[xob]$/.test(octal)) throw new TemplateError(offset, "not a number");
  const value = negative ? -BigInt(octal) : BigInt(octal);
  if (BigInt.asIntN(64, value) !== value) {
    throw new TemplateError(offset, "the number does not fit into 64 bits");
  }
  return value;
}

function unescapeText(text: string, offset: number): string {
  return text.replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gsu,
    (
      whole: string,
      hex: string | undefined,
      short: string | undefined,
      long: string | undefined,
      octal: string | undefined,
      letter: string | undefined,
      at: number,
    ) => {
      const digits = hex ?? short ?? long ?? octal;
      const point =
        digits === undefined ? undefined : Number.parseInt(digits, octal === undefined ? 16 : 8);
      if (point !== undefined && point <= 0x10ffff) return String.fromCodePoint(point);
      const known = letter === undefined ? undefined : escapes[letter];
      if (known !== undefined) return known;
      throw new TemplateError(offset + at, `the escape ${whole.slice(0, 2)} is unknown`);
    },
  );
}
