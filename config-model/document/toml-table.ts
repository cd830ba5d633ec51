import type { ConfigEntry, ConfigNode } from "../schema/config-node.ts";

/** What is known of a name of a table while the document is read. */
interface TomlEntry {
  readonly name: string;
  /**
   * How the name came to be, which decides what may be said of it later: `value`: given by a key, whole; `dotted`: a
   * table above a dotted key; `header`: a table opened by a header, or above one; `list`: opened by `[[...]]`;
   * `listParent`: a table above one of those.
   */
  readonly kind: "value" | "dotted" | "header" | "list" | "listParent";
  /** Where its keys go: for a list its newest item; absent for a value. */
  table: TomlTable | undefined;
  /** Items of a list. */
  readonly items: ConfigNode[] | undefined;
  /** It has had a header of its own; a second one is a mistake. */
  opened: boolean;
}

const wholeValue: TomlEntry = {
  name: "",
  kind: "value",
  table: undefined,
  items: undefined,
  opened: true,
};

/** More entries than these are found by an index. */
const maxScannedEntries = 8;

/**
 * A table while its document is read: the node it becomes, and what is known of its entries. Built for documents of many
 * small tables: nothing is allocated before it is needed.
 */
export class TomlTable {
  readonly node: { readonly kind: "map"; readonly place: number; entries: ConfigEntry[] };
  /** All entries but values. */
  #tables: TomlEntry[] | undefined;
  #index: Map<string, TomlEntry> | undefined;

  constructor(place: number) {
    this.node = { kind: "map", place, entries: none };
  }

  get(name: string): TomlEntry | undefined {
    if (this.#index !== undefined) return this.#index.get(name);
    const { entries } = this.node;
    for (let at = 0; at < entries.length; at++) {
      if (entries[at]?.name === name) return this.#tableNamed(name) ?? wholeValue;
    }
    return undefined;
  }

  /** The name must be new. */
  addValue(name: string, place: number, value: ConfigNode): void {
    this.#add({ name, place, value }, wholeValue);
  }

  addTable(name: string, place: number, kind: "dotted" | "header" | "listParent"): TomlEntry {
    const table = new TomlTable(place);
    const entry: TomlEntry = { name, kind, table, items: undefined, opened: false };
    this.#add({ name, place, value: table.node }, entry);
    return entry;
  }

  /** A list with its first item, which is returned. */
  addList(name: string, place: number): TomlTable {
    const table = new TomlTable(place);
    const items: ConfigNode[] = [table.node];
    const entry: TomlEntry = { name, kind: "list", table, items, opened: true };
    this.#add({ name, place, value: { kind: "list", place, items } }, entry);
    return table;
  }

  /** Gives back what arrays reserve for growth: a document's tables are many and small. */
  trim(): void {
    if (this.node.entries.length > 1) this.node.entries = this.node.entries.slice();
  }

  #tableNamed(name: string): TomlEntry | undefined {
    return this.#tables?.find((entry) => entry.name === name);
  }

  #add(entry: ConfigEntry, known: TomlEntry): void {
    if (this.node.entries === none) this.node.entries = [entry];
    else this.node.entries.push(entry);
    if (this.#index !== undefined) {
      this.#index.set(entry.name, known);
      return;
    }
    if (known !== wholeValue) {
      if (this.#tables === undefined) this.#tables = [known];
      else this.#tables.push(known);
    }
    if (this.node.entries.length > maxScannedEntries) this.#makeIndex();
  }

  #makeIndex(): void {
    this.#index = new Map(
      this.node.entries.map(({ name }) => [name, this.#tableNamed(name) ?? wholeValue]),
    );
    this.#tables = undefined;
  }
}

/** Of all tables without entries. */
const none: ConfigEntry[] = [];
