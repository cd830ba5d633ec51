/** Identity of a key's path; list items are named by their index. */
export function tomlPathId(path: readonly string[]): string {
  return path.join("\u0000");
}

/**
 * Offset of every key of a document that is known to be valid, by `tomlPathId`. A key that several headers open
 * keeps its first place.
 */
export function locateTomlKeys(text: string): ReadonlyMap<string, number> {
  return new TomlKeyLocator(text).locate();
}

class TomlKeyLocator {
  readonly #text: string;
  readonly #places = new Map<string, number>();
  /** Items seen of each `[[list]]`. */
  readonly #counts = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  locate(): ReadonlyMap<string, number> {
    let table: readonly string[] = [];
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      if (this.#text[this.#at] === "[") table = this.#header();
      else this.#keyValue(table);
    }
    return this.#places;
  }

  #header(): readonly string[] {
    const start = this.#at;
    const isList = this.#text[this.#at + 1] === "[";
    this.#at += isList ? 2 : 1;
    const names = this.#key();
    this.#at += isList ? 2 : 1;
    let path: readonly string[] = [];
    for (const [index, name] of names.entries()) {
      path = [...path, name];
      this.#note(path, start);
      const id = tomlPathId(path);
      const opensItem = isList && index === names.length - 1;
      if (opensItem) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
      const count = this.#counts.get(id);
      if (count === undefined) continue;
      path = [...path, String(count - 1)];
      this.#note(path, start);
    }
    return path;
  }

  #keyValue(table: readonly string[]): void {
    const start = this.#at;
    let path = table;
    for (const name of this.#key()) {
      path = [...path, name];
      this.#note(path, start);
    }
    this.#at++; // "="
    this.#skipSpace();
    this.#value(path);
  }

  #value(path: readonly string[]): void {
    const character = this.#text[this.#at];
    if (character === "[") {
      this.#at++;
      for (let index = 0; this.#moreItems("]"); index++) {
        const itemPath = [...path, String(index)];
        this.#note(itemPath, this.#at);
        this.#value(itemPath);
      }
    } else if (character === "{") {
      this.#at++;
      while (this.#moreItems("}")) this.#keyValue(path);
    } else if (character === '"' || character === "'") {
      this.#string();
    } else {
      while (this.#at < this.#text.length && !/[\s,\]}#]/.test(this.#text[this.#at] ?? ""))
        this.#at++;
    }
  }

  #moreItems(end: string): boolean {
    this.#skipBlank();
    while (this.#text[this.#at] === ",") {
      this.#at++;
      this.#skipBlank();
    }
    if (this.#text[this.#at] !== end && this.#at < this.#text.length) return true;
    this.#at++;
    return false;
  }

  /** A possibly dotted key, and the space after it. */
  #key(): readonly string[] {
    const names: string[] = [];
    for (;;) {
      this.#skipSpace();
      const start = this.#at;
      const character = this.#text[start];
      if (character === '"' || character === "'") {
        const raw = this.#string();
        names.push(character === '"' ? unquoted(raw) : raw.slice(1, -1));
      } else {
        while (/[\w-]/.test(this.#text[this.#at] ?? "")) this.#at++;
        if (this.#at === start) this.#at++; // never stand still, whatever the text
        names.push(this.#text.slice(start, this.#at));
      }
      this.#skipSpace();
      if (this.#text[this.#at] !== ".") return names;
      this.#at++;
    }
  }

  #string(): string {
    const start = this.#at;
    const quote = this.#text[start] ?? "";
    const isLong = this.#text.startsWith(quote.repeat(3), start);
    const end = isLong ? quote.repeat(3) : quote;
    this.#at += end.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      this.#at += quote === '"' && this.#text[this.#at] === "\\" ? 2 : 1;
    }
    this.#at += end.length;
    // A long string may end in up to two quotes of its own.
    while (isLong && this.#text[this.#at] === quote) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  #skipBlank(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] ?? "";
      if (character === "#") {
        const end = this.#text.indexOf("\n", this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else if (!/\s/.test(character)) {
        return;
      }
    }
  }

  #note(path: readonly string[], offset: number): void {
    const id = tomlPathId(path);
    if (!this.#places.has(id)) this.#places.set(id, offset);
  }
}

function unquoted(raw: string): string {
  try {
    return String(JSON.parse(raw));
  } catch {
    return raw.slice(1, -1);
  }
}
