/**
 * TOML to a tree with places, in one pass. Knows TOML whole but for two things it leaves to the library: the value of
 * scalars in rare forms, and the words for what is wrong. A table has the place of the header or key that named it
 * first, a key's value that of its key, an item of an array its own.
 */
import type { ConfigNode } from "../schema/config-node.ts";
import { TomlCursor, TomlMismatch } from "./toml-cursor.ts";
import { TomlTable } from "./toml-table.ts";

const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;
const equals = 0x3d;

/** As deep as the library goes. */
const maxDepth = 1000;

/** Throws `TomlMismatch` for what is not TOML. `decode`: see `TomlCursor`. */
export function readToml(text: string, decode: (raw: string) => string | undefined): ConfigNode {
  return new TomlReader(new TomlCursor(text, decode)).read();
}

class TomlReader {
  readonly #cursor: TomlCursor;
  readonly #root = new TomlTable(0);
  #depth = 0;

  constructor(cursor: TomlCursor) {
    this.#cursor = cursor;
  }

  read(): ConfigNode {
    const cursor = this.#cursor;
    let table = this.#root;
    for (cursor.skipBlank(); !cursor.atEnd; cursor.skipBlank()) {
      if (cursor.peek() === openBracket) {
        table.trim();
        table = this.#header();
      } else {
        this.#keyValue(table);
      }
      cursor.endOfLine();
    }
    return this.#root.node;
  }

  #header(): TomlTable {
    const cursor = this.#cursor;
    const place = cursor.offset;
    cursor.expect(openBracket);
    const isList = cursor.take(openBracket);
    const names = cursor.key(closeBracket);
    if (isList) cursor.expect(closeBracket);
    let table = this.#root;
    for (let at = 0; at < names.length - 1; at++) {
      const name = names[at] ?? "";
      const entry =
        table.get(name) ?? table.addTable(name, place, isList ? "listParent" : "header");
      if (entry.table === undefined) throw new TomlMismatch(place);
      table = entry.table;
    }
    const last = names.at(-1) ?? "";
    return isList ? openItem(table, last, place) : openTable(table, last, place);
  }

  #keyValue(into: TomlTable): void {
    const cursor = this.#cursor;
    const place = cursor.offset;
    const names = cursor.key(equals);
    let table = into;
    for (let at = 0; at < names.length - 1; at++) {
      const name = names[at] ?? "";
      const entry = table.get(name) ?? table.addTable(name, place, "dotted");
      // Tables with a header, and lists of them, are filled under their headers only.
      const isClosed = entry.kind === "header" || entry.kind === "list";
      if (entry.table === undefined || isClosed) throw new TomlMismatch(place);
      table = entry.table;
    }
    const last = names.at(-1) ?? "";
    if (table.get(last) !== undefined) throw new TomlMismatch(place);
    cursor.skipSpace();
    table.addValue(last, place, this.#value(place));
  }

  #value(place: number): ConfigNode {
    const cursor = this.#cursor;
    const code = cursor.peek();
    if (code !== openBracket && code !== openBrace) {
      const text = cursor.isString() ? cursor.string() : cursor.bareScalar();
      return { kind: "scalar", place, text };
    }
    if (++this.#depth > maxDepth) cursor.mismatch();
    const node = code === openBracket ? this.#array(place) : this.#inlineTable(place);
    this.#depth--;
    return node;
  }

  #array(place: number): ConfigNode {
    let items: ConfigNode[] | undefined;
    this.#sequence(openBracket, closeBracket, () => {
      const item = this.#value(this.#cursor.offset);
      if (items === undefined) items = [item];
      else items.push(item);
    });
    return { kind: "list", place, items: items ?? [] };
  }

  #inlineTable(place: number): ConfigNode {
    const table = new TomlTable(place);
    this.#sequence(openBrace, closeBrace, () => this.#keyValue(table));
    return table.node;
  }

  /** Parts between commas, the last of which may have one too. */
  #sequence(open: number, close: number, part: () => void): void {
    const cursor = this.#cursor;
    cursor.expect(open);
    for (cursor.skipBlank(); !cursor.take(close); cursor.skipBlank()) {
      part();
      cursor.skipBlank();
      if (cursor.take(close)) return;
      cursor.expect(comma);
    }
  }
}

function openTable(parent: TomlTable, name: string, place: number): TomlTable {
  const entry = parent.get(name) ?? parent.addTable(name, place, "header");
  const mayOpen = entry.kind === "header" || entry.kind === "listParent";
  if (entry.table === undefined || !mayOpen || entry.opened) throw new TomlMismatch(place);
  entry.opened = true;
  return entry.table;
}

function openItem(parent: TomlTable, name: string, place: number): TomlTable {
  const entry = parent.get(name);
  if (entry === undefined) return parent.addList(name, place);
  if (entry.items === undefined) throw new TomlMismatch(place);
  const table = new TomlTable(place);
  entry.items.push(table.node);
  entry.table = table;
  return table;
}
