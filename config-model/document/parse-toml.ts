/** TOML to a tree with places; what is wrong is said in the library's words. */
import { createRequire } from "node:module";
import type { DocumentParse } from "./document.ts";
import { readToml } from "./read-toml.ts";
import { TomlMismatch } from "./toml-cursor.ts";

type TomlLibrary = typeof import("smol-toml");

const require = createRequire(import.meta.url);
/** Loaded when it is needed: for rare forms of a value, and for mistakes. */
let library: TomlLibrary | undefined;

export function parseToml(text: string): DocumentParse {
  try {
    return { ok: true, roots: [readToml(text, decodeScalar)] };
  } catch (error) {
    if (!(error instanceof TomlMismatch)) throw error;
    return describeMistake(text, error.offset);
  }
}

/** Where the library's own words name a symptom. */
const clearReasons: ReadonlyMap<string, string> = new Map([
  ["invalid value", "a value is missing or invalid, texts need quotes"],
  ["trying to redefine an already defined table or value", "this table or key is given twice"],
  [
    "control characters are not allowed in strings",
    "a text is not closed, or holds a control character that must be written as an escape",
  ],
]);

/** `offset`: where our own reader stopped. */
function describeMistake(text: string, offset: number): DocumentParse {
  const { TomlError } = loadLibrary();
  try {
    parseWithLibrary(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The message goes on with a drawing of the place, which is given as an offset instead.
    const [firstLine = ""] = error.message.split("\n");
    const reason = firstLine.replace(/^Invalid TOML document: /, "");
    const message = clearReasons.get(reason) ?? reason;
    return { ok: false, offset: offsetOf(text, error.line, error.column), message };
  }
  return { ok: false, offset, message: "this form of TOML cannot be read" };
}

function decodeScalar(raw: string): string | undefined {
  const { TomlError } = loadLibrary();
  try {
    // At the end of a text the library takes a date whose offset has no colon.
    const { value } = parseWithLibrary(`value=${raw} \n`);
    return value instanceof Date ? value.toISOString() : String(value);
  } catch (error) {
    if (error instanceof TomlError) return undefined;
    throw error;
  }
}

function parseWithLibrary(text: string): Readonly<Record<string, unknown>> {
  return loadLibrary().parse(text, { integersAsBigInt: "asNeeded" });
}

function loadLibrary(): TomlLibrary {
  library ??= require("smol-toml") as TomlLibrary;
  return library;
}

function offsetOf(text: string, line: number, column: number): number {
  let start = 0;
  for (let current = 1; current < line; current++) start = text.indexOf("\n", start) + 1;
  return Math.min(text.length, start + Math.max(0, column - 1));
}
