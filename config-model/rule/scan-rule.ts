/**
 * Splits a rule's text into tokens with Go's lexical rules, which is what makes a line break legal after an operator
 * and an error before one: a line break after a name, a string or `)` ends the expression.
 */
type TokenKind = "name" | "string" | "(" | ")" | "," | "!" | "&&" | "||" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Name, or the string's value. */
  readonly text: string;
  readonly offset: number;
}

/** Thrown inside the parser only; `parseRule` turns it into a result. */
export class RuleSyntaxError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const wordPattern = /[\p{L}_][\p{L}\p{Nd}_]*/uy;

/** Reads one token at a time, so that a rule broken at its start costs nothing for its tail. */
export class RuleScanner {
  readonly #text: string;
  #offset = 0;
  /** Whether a line break here would end the expression. */
  #canEnd = false;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    const lineBreak = this.#skipSpace();
    if (lineBreak !== undefined) {
      this.#skipAllSpace();
      if (this.#offset < this.#text.length) {
        throw new RuleSyntaxError(
          lineBreak,
          "a line break is allowed after an operator, not before it",
        );
      }
    }
    const token = this.#read();
    this.#canEnd = token.kind === "name" || token.kind === "string" || token.kind === ")";
    return token;
  }

  /** Offset of the first line break that ends the expression, if there is one. */
  #skipSpace(): number | undefined {
    for (; this.#offset < this.#text.length; this.#offset++) {
      const character = this.#text[this.#offset];
      if (character === "\n" && this.#canEnd) return this.#offset;
      if (!isSpace(character)) return undefined;
    }
    return undefined;
  }

  #skipAllSpace(): void {
    while (this.#offset < this.#text.length && isSpace(this.#text[this.#offset])) this.#offset++;
  }

  #read(): Token {
    const offset = this.#offset;
    const text = this.#text;
    const character = text[offset];
    switch (character) {
      case undefined:
        return { kind: "end", text: "", offset };
      case "(":
      case ")":
      case ",":
      case "!":
        this.#offset++;
        return { kind: character, text: character, offset };
      case "&":
      case "|": {
        if (text[offset + 1] !== character) {
          throw new RuleSyntaxError(
            offset,
            `unexpected "${character}", did you mean "${character}${character}"?`,
          );
        }
        this.#offset += 2;
        const kind = character === "&" ? "&&" : "||";
        return { kind, text: kind, offset };
      }
      case "`":
        return this.#readRaw(offset);
      case '"':
        return this.#readQuoted(offset);
      case "'":
        throw new RuleSyntaxError(offset, "single quotes are not allowed, use backticks");
      default:
        return this.#readName(offset);
    }
  }

  #readRaw(offset: number): Token {
    const end = this.#text.indexOf("`", offset + 1);
    if (end < 0) throw new RuleSyntaxError(offset, "the string that starts here is not closed");
    this.#offset = end + 1;
    // Go drops carriage returns from raw strings.
    const text = this.#text.slice(offset + 1, end).replaceAll("\r", "");
    return { kind: "string", text, offset };
  }

  #readQuoted(offset: number): Token {
    let end = offset + 1;
    while (end < this.#text.length && this.#text[end] !== '"' && this.#text[end] !== "\n") {
      end += this.#text[end] === "\\" ? 2 : 1;
    }
    if (this.#text[end] !== '"') {
      throw new RuleSyntaxError(offset, "the string that starts here is not closed");
    }
    this.#offset = end + 1;
    return { kind: "string", text: unescapeGo(this.#text, offset + 1, end), offset };
  }

  #readName(offset: number): Token {
    wordPattern.lastIndex = offset;
    const word = wordPattern.exec(this.#text)?.[0];
    if (word === undefined) {
      const character = String.fromCodePoint(this.#text.codePointAt(offset) ?? 0);
      throw new RuleSyntaxError(offset, `unexpected "${character}"`);
    }
    this.#offset += word.length;
    return { kind: "name", text: word, offset };
  }
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\n" || character === "\r";
}

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  '"': 34,
};

const numericEscape = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3}))/y;

/** `\x` and octal escapes are bytes, `\u` and `\U` are characters, so the value is put together as UTF-8. */
function unescapeGo(text: string, start: number, end: number): string {
  const firstEscape = text.indexOf("\\", start);
  if (firstEscape < 0 || firstEscape >= end) return text.slice(start, end);
  const parts: Buffer[] = [];
  let plain = start;
  for (let at = firstEscape; at >= 0 && at < end; at = text.indexOf("\\", plain)) {
    parts.push(Buffer.from(text.slice(plain, at)));
    const simple = simpleEscapes[text[at + 1] ?? ""];
    if (simple !== undefined) {
      parts.push(Buffer.of(simple));
      plain = at + 2;
      continue;
    }
    numericEscape.lastIndex = at;
    const match = numericEscape.exec(text);
    if (match === null) throw new RuleSyntaxError(at, "unknown escape sequence");
    parts.push(escapedBytes(match, at));
    plain = at + match[0].length;
  }
  parts.push(Buffer.from(text.slice(plain, end)));
  return Buffer.concat(parts).toString();
}

function escapedBytes([, byte, short, long, octal]: RegExpExecArray, offset: number): Buffer {
  if (byte !== undefined) return Buffer.of(Number.parseInt(byte, 16));
  if (octal !== undefined) {
    const value = Number.parseInt(octal, 8);
    if (value > 255) throw new RuleSyntaxError(offset, "octal escape is above 377");
    return Buffer.of(value);
  }
  const codePoint = Number.parseInt(short ?? long ?? "", 16);
  if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
    throw new RuleSyntaxError(offset, "escape is not a valid character");
  }
  return Buffer.from(String.fromCodePoint(codePoint));
}
