/**
 * Applies a schema to a node. Every mistake is reported and decoding goes on, so that an operator sees all of them at
 * once; whether the value may be used is the caller's decision (it may not when an error was reported).
 */

import { nearestName } from "../../foundation/nearest-name.ts";
import { shownText, shownValue } from "../../foundation/shown-text.ts";
import type { ConfigEntry, ConfigNode, Place } from "./config-node.ts";
import { parseScalar, type ScalarValue, scalarExpectations } from "./parse-scalar.ts";
import type { KeyStatus, Schema, Shape } from "./schema.ts";

export interface DecodeProblem {
  readonly severity: "error" | "warning";
  readonly code: "unknown-key" | "invalid-value";
  readonly place: Place;
  readonly message: string;
  readonly hint?: string;
}

/** A key that is valid in Traefik and not built here. */
export interface UnbuiltUse {
  readonly path: string;
  readonly effect: "closed" | "degraded";
  readonly place: Place;
}

export interface NodeDecoderOptions {
  /** The label is for the root only, and keys below it go by their path alone. */
  readonly topLevel?: boolean;
  /** What to say of some unknown keys, by lower-case path. */
  readonly hints?: ReadonlyMap<string, string>;
}

const noHints: ReadonlyMap<string, string> = new Map();

export class NodeDecoder {
  readonly problems: DecodeProblem[] = [];
  readonly unbuilt: UnbuiltUse[] = [];
  /** `router "r1"`: what messages call the whole. */
  readonly label: string;
  readonly #topLevel: boolean;
  readonly #hints: ReadonlyMap<string, string>;
  readonly #places: Map<string, Place> | undefined;
  /** Inside a sub-tree that is unbuilt as a whole: its keys are checked, but only its root is reported. */
  #unbuiltDepth = 0;

  constructor(label: string, { topLevel = false, hints = noHints }: NodeDecoderOptions = {}) {
    this.label = label;
    this.#topLevel = topLevel;
    this.#hints = hints;
    this.#places = topLevel ? new Map() : undefined;
  }

  decode<T>(schema: Schema<T>, node: ConfigNode, path = ""): T {
    // A shape builds what its schema's type says: the constructors of schema.ts are the only makers of both.
    return this.#decode(schema, node, path) as T;
  }

  /**
   * For a top-level decoder: where the key of a path stands (its value, when that is a text), or the nearest key above
   * it that the source has.
   */
  placeOf(path: string): Place {
    let known = path;
    while (known !== "" && !this.#places?.has(known)) {
      known = known.slice(0, Math.max(0, known.lastIndexOf(".")));
    }
    return this.#places?.get(known) ?? 0;
  }

  error(code: DecodeProblem["code"], place: Place, message: string, hint?: string): undefined {
    this.problems.push({
      severity: "error",
      code,
      place,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** `keyPlace`: where the key stands whose value the node is. */
  #decode(
    schema: Schema<unknown>,
    node: ConfigNode,
    path: string,
    keyPlace: Place = node.place,
  ): unknown {
    if (node.kind === "null") return schema.absent;
    this.#places?.set(path, node.kind === "scalar" ? node.place : keyPlace);
    const { status } = schema;
    if (this.#unbuiltDepth > 0 || status === undefined || status === "built") {
      return this.#decodeShape(schema.shape, node, path) ?? schema.absent;
    }
    this.#unbuiltDepth++;
    const value = this.#decodeShape(schema.shape, node, path) ?? schema.absent;
    this.#unbuiltDepth--;
    this.#noteStatus(status, schema, value, { path, place: keyPlace });
    return value;
  }

  #noteStatus(
    status: KeyStatus,
    { shape, absent }: Schema<unknown>,
    value: unknown,
    { path, place }: { readonly path: string; readonly place: Place },
  ): void {
    if (status === "ignored" || status === "built" || value === absent) return;
    if (Array.isArray(value) && value.length === 0) return;
    if (shape.kind === "scalar" && shape.builtValues?.includes(String(value))) return;
    this.unbuilt.push({ path, effect: status, place });
  }

  /** `undefined`: nothing usable; the caller takes the default. */
  #decodeShape(shape: Shape, node: ConfigNode, path: string): unknown {
    switch (shape.kind) {
      case "scalar":
        return this.#decodeScalar(shape, node, path);
      case "list":
        return this.#decodeList(shape.item, node, path);
      case "map":
        return this.#decodeMap(shape.value, node, path);
      case "struct":
        return this.#decodeStruct(shape, node, path);
      case "free":
        return {};
    }
  }

  #decodeScalar(
    shape: Extract<Shape, { kind: "scalar" }>,
    node: ConfigNode,
    path: string,
  ): ScalarValue | undefined {
    const text = scalarText(node);
    if (text === undefined) return this.#wrongForm(node, path, scalarExpectations[shape.type]);
    const value = parseScalar(text, shape.type);
    if (value === undefined) {
      return this.error(
        "invalid-value",
        node.place,
        `Invalid value "${shownValue(text)}" for ${this.#name(path)}: expected ${scalarExpectations[shape.type]}`,
      );
    }
    if (shape.values !== undefined && !shape.values.includes(String(value))) {
      return this.error(
        "invalid-value",
        node.place,
        `Invalid value "${shownValue(text)}" for ${this.#name(path)}: valid are ${shape.values.join(", ")}`,
      );
    }
    return value;
  }

  #decodeList(item: Schema<unknown>, node: ConfigNode, path: string): unknown {
    if (node.kind === "list") return this.#decodeItems(item, node.items, path);
    if (item.shape.kind === "scalar") {
      // In every source a text is a list of texts between commas.
      const text = scalarText(node);
      if (text === undefined) return this.#wrongForm(node, path, "a list");
      const parts = text === "" ? [] : text.split(",");
      const items = parts.map((part) => {
        return { kind: "scalar", place: node.place, text: part.trim() } as const;
      });
      return this.#decodeItems(item, items, path);
    }
    if (node.kind !== "keys" || node.entries.length === 0) {
      return this.#wrongForm(node, path, "a list");
    }
    const numbered = node.entries.filter((entry) => isIndex(entry.name));
    for (const entry of node.entries) {
      if (isIndex(entry.name)) continue;
      this.error(
        "unknown-key",
        entry.place,
        `Unknown key "${shownText(entry.name)}" in ${this.#name(path)}`,
        "its items are numbered from 0",
      );
    }
    return this.#decodeItems(
      item,
      numbered.map((entry) => entry.value),
      path,
    );
  }

  #decodeItems(item: Schema<unknown>, nodes: readonly ConfigNode[], path: string): unknown[] {
    const values: unknown[] = [];
    for (let index = 0; index < nodes.length; index++) {
      const node = nodes[index];
      const value = node && this.#decode(item, node, `${path}[${index}]`);
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  #decodeMap(
    schema: Schema<unknown>,
    node: ConfigNode,
    path: string,
  ): ReadonlyMap<string, unknown> | undefined {
    if ((node.kind !== "map" && node.kind !== "keys") || node.entries.length === 0) {
      return this.#wrongForm(node, path, "keys below it");
    }
    const values = new Map<string, unknown>();
    for (const entry of node.entries) {
      if (values.has(entry.name)) this.#givenTwice(entry, path);
      const value = this.#decode(schema, entry.value, join(path, entry.name), entry.place);
      if (value !== undefined) values.set(entry.name, value);
    }
    return values;
  }

  #decodeStruct(
    shape: Extract<Shape, { kind: "struct" }>,
    node: ConfigNode,
    path: string,
  ): Readonly<Record<string, unknown>> | undefined {
    const text = node.kind === "scalar" || node.kind === "keys" ? node.text : undefined;
    if (shape.allowEmpty && text !== undefined && !/^(true)?$/i.test(text)) {
      return this.#switchedOff(text, node, path);
    }
    const entries = node.kind === "map" || node.kind === "keys" ? node.entries : [];
    if (node.kind === "list" || (entries.length === 0 && !shape.allowEmpty)) {
      return this.#wrongForm(node, path, "keys below it");
    }
    const values: Record<string, unknown> = { ...shape.defaults };
    const seen: string[] = [];
    for (const entry of entries) {
      const field = shape.byLowerName.get(entry.name.toLowerCase());
      if (field === undefined) {
        this.#unknownKey(entry, path, Object.keys(shape.fields));
        continue;
      }
      if (seen.includes(field.name)) this.#givenTwice(entry, path);
      else seen.push(field.name);
      const fieldPath = join(path, field.name);
      values[field.name] = this.#decode(field.schema, entry.value, fieldPath, entry.place);
    }
    return values;
  }

  /** Traefik takes every value but `true` and the empty one as "off"; what is not plainly meant so gets a warning. */
  #switchedOff(text: string, node: ConfigNode, path: string): undefined {
    if (parseScalar(text, "bool") === false) return undefined;
    this.problems.push({
      severity: "warning",
      code: "invalid-value",
      place: node.place,
      message: `Value "${shownValue(text)}" switches ${this.#name(path)} off`,
      hint: `write true to switch it on`,
    });
    return undefined;
  }

  #unknownKey(entry: ConfigEntry, path: string, known: readonly string[]): void {
    this.error(
      "unknown-key",
      entry.place,
      `Unknown key "${shownText(entry.name)}" in ${this.#name(path)}`,
      this.#hints.get(join(path, entry.name).toLowerCase()) ?? nearestHint(entry.name, known),
    );
  }

  #givenTwice(entry: ConfigEntry, path: string): void {
    this.error(
      "invalid-value",
      entry.place,
      `Key "${shownText(entry.name)}" is given twice in ${this.#name(path)}`,
    );
  }

  #wrongForm(node: ConfigNode, path: string, expected: string): undefined {
    const subject = path === "" && this.#topLevel ? "content" : this.#name(path);
    return this.error(
      "invalid-value",
      node.place,
      `Invalid ${subject}: expected ${expected}, found ${describeForm(node)}`,
    );
  }

  #name(path: string): string {
    if (path === "") return this.label;
    const shown = shownText(path, maxShownPathCharacters);
    return this.#topLevel ? shown : `${shown} of ${this.label}`;
  }
}

/** Paths hold names of maps, which may be of any length. */
const maxShownPathCharacters = 160;

function nearestHint(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  return near === undefined ? `valid are ${known.join(", ")}` : `did you mean "${near}"?`;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function isIndex(name: string): boolean {
  return /^\d+$/.test(name);
}

/** Numbered keys without children are the parts of a text; they count more than a text of the key itself. */
function scalarText(node: ConfigNode): string | undefined {
  if (node.kind === "scalar") return node.text;
  if (node.kind !== "keys") return undefined;
  if (node.entries.length === 0) return node.text;
  const parts: string[] = [];
  for (const { name, value } of node.entries) {
    if (!isIndex(name) || value.kind !== "keys" || value.entries.length > 0) return undefined;
    parts.push(value.text ?? "");
  }
  return parts.join(",");
}

function describeForm(node: ConfigNode): string {
  switch (node.kind) {
    case "null":
      return "nothing";
    case "scalar":
      return "a single value";
    case "list":
      return "a list";
    case "map":
      return node.entries.length === 0 ? "nothing" : "keys below it";
    case "keys":
      return node.entries.length === 0 ? "a single value" : "keys below it";
  }
}
