/** TOML to a tree with places. The parser gives values without places, so keys are located by a scan of their own. */
import { createRequire } from "node:module";
import type { ConfigEntry, ConfigNode } from "../schema/config-node.ts";
import type { DocumentParse } from "./document.ts";
import { locateTomlKeys, tomlPathId } from "./locate-toml-keys.ts";

type TomlLibrary = typeof import("smol-toml");

const require = createRequire(import.meta.url);
/** Loaded with the first TOML file: most starts have none. */
let library: TomlLibrary | undefined;

export function parseToml(text: string): DocumentParse {
  library ??= require("smol-toml") as TomlLibrary;
  const { parse, TomlError } = library;
  try {
    const value = parse(text, { integersAsBigInt: "asNeeded" });
    return { ok: true, root: toNode(value, [], locateTomlKeys(text), 0) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The message goes on with a drawing of the place, which is given as an offset instead.
    const [firstLine = ""] = error.message.split("\n");
    const reason = firstLine.replace(/^Invalid TOML document: /, "");
    const message = clearReasons.get(reason) ?? reason;
    return { ok: false, offset: offsetOf(text, error.line, error.column), message };
  }
}

/** Where the parser's own words name a symptom. */
const clearReasons: ReadonlyMap<string, string> = new Map([
  ["invalid value", "a value is missing or invalid, texts need quotes"],
  ["trying to redefine an already defined table or value", "this table or key is given twice"],
  [
    "control characters are not allowed in strings",
    "a text is not closed, or holds a control character that must be written as an escape",
  ],
]);

function toNode(
  value: unknown,
  path: readonly string[],
  places: ReadonlyMap<string, number>,
  place: number,
): ConfigNode {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, index) => {
      const itemPath = [...path, String(index)];
      return toNode(item, itemPath, places, places.get(tomlPathId(itemPath)) ?? place);
    });
    return { kind: "list", place, items };
  }
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const entries = Object.entries(value).map(([name, inner]): ConfigEntry => {
      const innerPath = [...path, name];
      const innerPlace = places.get(tomlPathId(innerPath)) ?? place;
      return { name, place: innerPlace, value: toNode(inner, innerPath, places, innerPlace) };
    });
    return { kind: "map", place, entries };
  }
  return {
    kind: "scalar",
    place,
    text: value instanceof Date ? value.toISOString() : String(value),
  };
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let current = 1; current < line; current++) start = text.indexOf("\n", start) + 1;
  return Math.min(text.length, start + Math.max(0, column - 1));
}
