/** The text is not what the reader knows as TOML: the library is asked what is wrong with it. */
export class TomlMismatch extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super("Not TOML as it is read here");
    this.offset = offset;
  }
}

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const hash = 0x23;
const apostrophe = 0x27;
const dot = 0x2e;
const backslash = 0x5c;

/** What a text or comment may not hold; in a text over several lines line ends are allowed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
const controlCharacter = /[\0-\x08\x0b-\x1f\x7f]/;

/** Walks a TOML text lexically. Every step ends behind what it took, or throws `TomlMismatch`. */
export class TomlCursor {
  readonly text: string;
  readonly #decode: (raw: string) => string | undefined;
  #at: number;

  /** `decode`: the value of a raw scalar whose form is not plain; absent when it is not valid. */
  constructor(text: string, decode: (raw: string) => string | undefined) {
    this.text = text;
    this.#decode = decode;
    this.#at = text.startsWith("\ufeff") ? 1 : 0;
  }

  get offset(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.text.length;
  }

  /** Character code here; NaN at the end. */
  peek(): number {
    return this.text.charCodeAt(this.#at);
  }

  /** Steps over the character when it is here. */
  take(code: number): boolean {
    if (this.text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  expect(code: number): void {
    if (!this.take(code)) this.mismatch();
  }

  mismatch(): never {
    throw new TomlMismatch(this.#at);
  }

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.#at);
      if (code !== space && code !== tab) return;
      this.#at++;
    }
  }

  /** Spaces, line ends and comments. */
  skipBlank(): void {
    for (;;) {
      this.skipSpace();
      const code = this.peek();
      if (code === hash) this.#comment();
      else if (code === lineFeed) this.#at++;
      else if (code === carriageReturn && this.#lineFeedFollows()) this.#at += 2;
      else return;
    }
  }

  /** A statement has its line to itself. */
  endOfLine(): void {
    this.skipSpace();
    if (this.peek() === hash) this.#comment();
    if (this.atEnd || this.take(lineFeed)) return;
    if (this.peek() !== carriageReturn || !this.#lineFeedFollows()) this.mismatch();
    this.#at += 2;
  }

  /** A possibly dotted key up to, and with, the character that ends it. */
  key(end: number): readonly string[] {
    const names: string[] = [];
    for (;;) {
      this.skipSpace();
      names.push(this.#keyName());
      this.skipSpace();
      if (this.take(end)) return names;
      this.expect(dot);
    }
  }

  isString(): boolean {
    const code = this.peek();
    return code === quote || code === apostrophe;
  }

  string(): string {
    const { text } = this;
    const start = this.#at;
    const mark = text.charCodeAt(start);
    if (text.charCodeAt(start + 1) === mark && text.charCodeAt(start + 2) === mark) {
      return this.#longString(mark);
    }
    let plain = true;
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === mark) {
        this.#at = at + 1;
        return plain ? text.slice(start + 1, at) : this.#decoded(start);
      }
      if ((code < space && code !== tab) || code === 0x7f) break;
      if (code === backslash && mark === quote) {
        plain = false;
        at++;
      }
    }
    this.mismatch();
  }

  /** Number, boolean or date, as its value is written in full. */
  bareScalar(): string {
    const { text } = this;
    const start = this.#at;
    let at = start;
    while (at < text.length && !endsScalar(text.charCodeAt(at))) at++;
    this.#at = at;
    if (text.charCodeAt(at) === lineFeed && text.charCodeAt(at - 1) === carriageReturn) this.#at--;
    while (this.#at > start && isSpace(text.charCodeAt(this.#at - 1))) this.#at--;
    const raw = text.slice(start, this.#at);
    if (raw === "true" || raw === "false" || /^-?[1-9]\d{0,14}$/.test(raw)) return raw;
    return this.#decoded(start);
  }

  #keyName(): string {
    const { text } = this;
    const start = this.#at;
    if (this.isString()) {
      const mark = text.charCodeAt(start);
      const isLong = text.charCodeAt(start + 1) === mark && text.charCodeAt(start + 2) === mark;
      if (isLong) this.mismatch();
      return this.string();
    }
    let at = start;
    while (isBareKeyCharacter(text.charCodeAt(at))) at++;
    if (at === start) this.mismatch();
    this.#at = at;
    return text.slice(start, at);
  }

  #longString(mark: number): string {
    const start = this.#at;
    const { text } = this;
    const end = text.slice(start, start + 3);
    let at = start + 3;
    while (at < text.length && !text.startsWith(end, at)) {
      at += mark === quote && text.charCodeAt(at) === backslash ? 2 : 1;
    }
    this.#at = at + 3;
    // It may end in up to two quotes of its own.
    while (text.charCodeAt(this.#at) === mark) this.#at++;
    return this.#decoded(start);
  }

  #decoded(start: number): string {
    const value = this.#decode(this.text.slice(start, this.#at));
    if (value === undefined) throw new TomlMismatch(start);
    return value;
  }

  #comment(): void {
    const lineEnd = this.text.indexOf("\n", this.#at);
    let end = lineEnd < 0 ? this.text.length : lineEnd;
    if (lineEnd > 0 && this.text.charCodeAt(lineEnd - 1) === carriageReturn) end--;
    if (controlCharacter.test(this.text.slice(this.#at, end))) this.mismatch();
    this.#at = end;
  }

  #lineFeedFollows(): boolean {
    return this.text.charCodeAt(this.#at + 1) === lineFeed;
  }
}

function isSpace(code: number): boolean {
  return code === space || code === tab;
}

function isBareKeyCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x30 && code <= 0x39) || // 0-9
    (code >= 0x41 && code <= 0x5a) || // A-Z
    code === 0x5f || // _
    code === 0x2d // -
  );
}

/** Comma, closing bracket or brace, comment, line end. */
function endsScalar(code: number): boolean {
  return code === 0x2c || code === 0x5d || code === 0x7d || code === hash || code === lineFeed;
}
