/**
 * YAML to a tree with places. Built from the parser's events, because its values have no places and lose what Traefik
 * keeps: 64-bit numbers and the spelling of texts that look like numbers. Merge keys work, as in Traefik.
 */
import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { ConfigEntry, ConfigNode } from "../schema/config-node.ts";
import type { DocumentParse } from "./document.ts";

type Event = ReturnType<typeof parseEvents>[number];
type ScalarEvent = Extract<Event, { valueStart: number }>;

/** Nodes that aliases and merge keys may add: a few lines of YAML can stand for billions. */
const maxAliasedNodes = 1_000_000;

class YamlError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Where the parser's own words name a symptom. */
const clearReasons: ReadonlyMap<string, string> = new Map([
  [
    "deficient indentation",
    "a bracket, brace or quote before is not closed, or this line needs more spaces in front",
  ],
  ["the stream contains non-printable characters", "control characters must be written as escapes"],
]);

export function parseYaml(text: string): DocumentParse {
  try {
    return { ok: true, roots: new TreeBuilder(text).build() };
  } catch (error) {
    if (error instanceof YamlError) {
      return { ok: false, offset: error.offset, message: error.message };
    }
    if (error instanceof YAMLException) {
      const message = clearReasons.get(error.reason) ?? error.reason;
      return { ok: false, offset: error.mark?.position ?? 0, message };
    }
    throw error;
  }
}

class TreeBuilder {
  readonly #text: string;
  readonly #events: readonly Event[];
  /** Of the document being read: none is known in the next. */
  readonly #anchors = new Map<string, { readonly node: ConfigNode; readonly size: number }>();
  #next = 0;
  /** Nodes made so far, those of aliases counted each time. */
  #size = 0;
  #aliased = 0;

  constructor(text: string) {
    this.#text = text;
    this.#events = parseEvents(text, {});
  }

  build(): readonly ConfigNode[] {
    const roots: ConfigNode[] = [];
    while (this.#next < this.#events.length) {
      this.#next++; // the document's beginning
      this.#anchors.clear();
      if (this.#atEnd()) {
        roots.push({ kind: "null", place: 0 });
      } else {
        roots.push(this.#node());
        this.#next++; // its end
      }
    }
    return roots.length === 0 ? [{ kind: "null", place: 0 }] : roots;
  }

  #node(): ConfigNode {
    const event = this.#events[this.#next++];
    if (event === undefined) return { kind: "null", place: 0 };
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#anchored(event, this.#size, this.#scalar(event));
      case EVENT_ID.SEQUENCE: {
        const before = this.#size;
        this.#refuseTag(event, "!!seq");
        const items: ConfigNode[] = [];
        while (!this.#atEnd()) items.push(this.#node());
        return this.#anchored(event, before, {
          kind: "list",
          place: event.start,
          items: items.slice(), // without what the array reserved for growth
        });
      }
      case EVENT_ID.MAPPING: {
        const before = this.#size;
        this.#refuseTag(event, "!!map");
        const entries = this.#entries();
        return this.#anchored(event, before, { kind: "map", place: event.start, entries });
      }
      case EVENT_ID.ALIAS:
        return this.#alias(event);
      case EVENT_ID.DOCUMENT:
      case EVENT_ID.POP:
        return { kind: "null", place: 0 };
    }
  }

  #atEnd(): boolean {
    const ended = this.#events[this.#next]?.type === EVENT_ID.POP;
    if (ended) this.#next++;
    return ended || this.#next >= this.#events.length;
  }

  #entries(): readonly ConfigEntry[] {
    const entries: ConfigEntry[] = [];
    let merged: ConfigEntry[] | undefined;
    while (!this.#atEnd()) {
      const keyEvent = this.#events[this.#next];
      const key = this.#node();
      const value = this.#node();
      if (isMergeKey(keyEvent, key)) {
        merged ??= [];
        this.#merge(value, merged);
        continue;
      }
      if (key.kind === "list" || key.kind === "map" || key.kind === "keys") {
        throw new YamlError(Number(key.place), "a key must be a text");
      }
      const name = key.kind === "null" ? "" : key.text;
      entries.push({ name, place: key.place, value });
    }
    if (merged === undefined) return entries.slice();
    const own = new Set(entries.map(({ name }) => name));
    for (const entry of merged) {
      if (own.has(entry.name)) continue;
      own.add(entry.name);
      entries.push(entry);
    }
    return entries;
  }

  /** Earlier mappings of a merge win over later ones. */
  #merge(value: ConfigNode, into: ConfigEntry[]): void {
    const sources = value.kind === "list" ? value.items : [value];
    for (const source of sources) {
      if (source.kind !== "map") {
        throw new YamlError(Number(source.place), "only mappings can be merged with <<");
      }
      this.#countAliased(source.entries.length, Number(value.place));
      into.push(...source.entries);
    }
  }

  #alias(event: Extract<Event, { type: typeof EVENT_ID.ALIAS }>): ConfigNode {
    const name = this.#text.slice(event.anchorStart, event.anchorEnd);
    const target = this.#anchors.get(name);
    if (target === undefined) {
      throw new YamlError(event.anchorStart, `alias "${name}" names no anchor before it`);
    }
    this.#countAliased(target.size, event.anchorStart);
    this.#size += target.size;
    return target.node;
  }

  #countAliased(nodes: number, offset: number): void {
    this.#aliased += nodes;
    if (this.#aliased > maxAliasedNodes) {
      throw new YamlError(offset, "aliases make the document too large");
    }
  }

  #anchored(
    { anchorStart, anchorEnd }: { readonly anchorStart: number; readonly anchorEnd: number },
    sizeBefore: number,
    node: ConfigNode,
  ): ConfigNode {
    this.#size++;
    if (anchorStart >= 0) {
      const name = this.#text.slice(anchorStart, anchorEnd);
      this.#anchors.set(name, { node, size: this.#size - sizeBefore });
    }
    return node;
  }

  #scalar(event: ScalarEvent): ConfigNode {
    // Half a surrogate pair, which an escape can write, would be another character once it is sent as UTF-8.
    const value = getScalarValue(this.#text, event).toWellFormed();
    const place = scalarOffset(event);
    const tag = this.#tag(event);
    if (tag === "!!str" || tag === "!") return { kind: "scalar", place, text: value };
    if (tag === "!!null") return { kind: "null", place };
    if (tag !== undefined && tag !== "!!int" && tag !== "!!bool" && tag !== "!!float") {
      throw new YamlError(event.tagStart, `tag ${tag} is not supported`);
    }
    if (event.style !== SCALAR_STYLE.PLAIN) return { kind: "scalar", place, text: value };
    return plainScalar(value, place);
  }

  #tag(event: { readonly tagStart: number; readonly tagEnd: number }): string | undefined {
    return event.tagStart < 0 ? undefined : this.#text.slice(event.tagStart, event.tagEnd);
  }

  #refuseTag(event: { readonly tagStart: number; readonly tagEnd: number }, allowed: string): void {
    const tag = this.#tag(event);
    if (tag !== undefined && tag !== allowed) {
      throw new YamlError(event.tagStart, `tag ${tag} is not supported here`);
    }
  }
}

function isMergeKey(event: Event | undefined, key: ConfigNode): boolean {
  return (
    key.kind === "scalar" &&
    key.text === "<<" &&
    event?.type === EVENT_ID.SCALAR &&
    event.style === SCALAR_STYLE.PLAIN
  );
}

/** The quote belongs to the place, and an empty value has the place of nothing: 0. */
function scalarOffset({ valueStart, style }: ScalarEvent): number {
  if (valueStart < 0) return 0;
  const quoted = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? valueStart - 1 : valueStart;
}

/** Texts stay as written but for the spellings whose value another spelling has too. */
function plainScalar(value: string, place: number): ConfigNode {
  if (!mayBeSpecial(value.charCodeAt(0))) return { kind: "scalar", place, text: value };
  if (/^(?:~|null|Null|NULL)?$/.test(value)) return { kind: "null", place };
  if (/^[+-]?0[xo][\da-fA-F]{1,16}$/.test(value))
    return { kind: "scalar", place, text: radixText(value) };
  if (/^(?:True|TRUE|False|FALSE)$/.test(value)) {
    return { kind: "scalar", place, text: value.toLowerCase() };
  }
  return { kind: "scalar", place, text: value };
}

/** By the first character; most texts end here. NaN: the text is empty. */
function mayBeSpecial(code: number): boolean {
  return Number.isNaN(code) || specialBeginnings.has(code);
}

const specialBeginnings: ReadonlySet<number> = new Set(
  [..."~nN+-0TF"].map((character) => character.charCodeAt(0)),
);

function radixText(value: string): string {
  const digits = value.replace(/^[+-]/, "");
  try {
    return `${value.startsWith("-") ? "-" : ""}${BigInt(digits)}`;
  } catch {
    return value;
  }
}
