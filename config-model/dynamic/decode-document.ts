/**
 * The dynamic part of a configuration file, object by object. A file may hold the static configuration too: its root
 * names are passed over here (and ours there).
 */

import { nearestName } from "../../foundation/nearest-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { LineMap } from "../document/line-map.ts";
import { parseDocument } from "../document/parse-document.ts";
import type { ConfigEntry, ConfigNode, Place } from "../schema/config-node.ts";
import { staticRootNames } from "../static/schema/static-root-names.ts";
import { decodeObject, type ProvidedKey } from "./decode-object.ts";
import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
import type { FieldPositions } from "./field-positions.ts";
import { FileFields, type LocatedDocuments } from "./file-fields.ts";
import { objectId } from "./object-key.ts";
import { type KindDefinition, sectionsByLowerName } from "./schema/dynamic-schema.ts";
import type { SourceObject } from "./source-object.ts";

export interface DocumentObject {
  readonly key: ProvidedKey;
  readonly object: SourceObject;
}

export interface DecodedDocument {
  /** By `objectId`. */
  readonly objects: ReadonlyMap<string, DocumentObject>;
  /** Mistakes outside of objects. */
  readonly problems: readonly Diagnostic[];
  /**
   * False when a mistake may hide objects (unreadable text, a misspelt section): what the file held before and does not
   * show now must not be taken for removed.
   */
  readonly complete: boolean;
  /** Nothing dynamic is said at all: an editor may have just truncated the file. `http: {routers: {}}` says something. */
  readonly silent: boolean;
}

/** Reads TOML when the path ends so, else YAML. `fields`: those of the file, when it has been read before. */
export function decodeDocument(
  text: string,
  path: string,
  fields: FileFields = new FileFields(),
): DecodedDocument {
  const parsed = parseDocument(text, path);
  const locate = filePositions(text, path);
  if (!parsed.ok) {
    const problem: Diagnostic = {
      severity: "error",
      code: "syntax",
      message: `Cannot read ${path}: ${parsed.message}`,
      source: locate(parsed.offset),
    };
    return { objects: new Map(), problems: [problem], complete: false, silent: false };
  }
  const documents = { roots: parsed.roots, locate };
  fields.replace(documents, () => documentsOf(text, path));
  return decodeDynamicPart(documents, fields);
}

function documentsOf(text: string, path: string): LocatedDocuments | undefined {
  const parsed = parseDocument(text, path);
  return parsed.ok ? { roots: parsed.roots, locate: filePositions(text, path) } : undefined;
}

export function filePositions(text: string, path: string): (place: Place) => SourcePosition {
  const lines = new LineMap(text);
  return (place) => {
    const { line, column } = lines.position(Number(place));
    return { provider: "file", location: path, line, column };
  };
}

/** The same for a text that is parsed already: its documents, in order. */
export function decodeDynamicPart(
  { roots, locate }: LocatedDocuments,
  fields: FieldPositions,
): DecodedDocument {
  const decoder = new DocumentDecoder(locate, fields);
  for (const root of roots) decoder.read(root);
  return decoder.decoded();
}

const rootNames = [...sectionsByLowerName.keys(), ...staticRootNames];
const lowerStaticNames = new Set(staticRootNames.map((name) => name.toLowerCase()));

/** What messages call a document's root. */
const wholeFile = "the file";

class DocumentDecoder {
  readonly #locate: (place: Place) => SourcePosition;
  readonly #fields: FieldPositions;
  readonly #objects = new Map<string, DocumentObject>();
  readonly #problems: Diagnostic[] = [];
  /** Objects without names so far: they are numbered through all documents. */
  #unnamed = 0;
  #complete = true;
  #silent = true;

  constructor(locate: (place: Place) => SourcePosition, fields: FieldPositions) {
    this.#locate = locate;
    this.#fields = fields;
  }

  read(root: ConfigNode): void {
    for (const entry of this.#entriesOnce(root, wholeFile)) {
      const lowerName = entry.name.toLowerCase();
      const section = sectionsByLowerName.get(lowerName);
      if (section !== undefined) {
        if (entry.value.kind !== "null") this.#silent = false;
        this.#section(section.name, section.collections, entry.value);
      } else if (!lowerStaticNames.has(lowerName)) {
        this.#unknown(entry, wholeFile, rootNames);
      }
    }
  }

  decoded(): DecodedDocument {
    return {
      objects: this.#objects,
      problems: this.#problems,
      complete: this.#complete,
      silent: this.#silent,
    };
  }

  #section(
    sectionName: string,
    collections: ReadonlyMap<string, { name: string; definition: KindDefinition }>,
    node: ConfigNode,
  ): void {
    const names = [...collections.values()].map(({ name }) => name);
    for (const entry of this.#entriesOnce(node, sectionName)) {
      const collection = collections.get(entry.name.toLowerCase());
      if (collection === undefined) this.#unknown(entry, sectionName, names);
      else
        this.#collection(`${sectionName}.${collection.name}`, collection.definition, entry.value);
    }
  }

  #collection(name: string, definition: KindDefinition, node: ConfigNode): void {
    if (definition.unnamed && node.kind === "list") {
      for (const item of node.items) {
        const name = String(this.#unnamed++);
        this.#object({ kind: definition.kind, name }, item.place, item);
      }
      return;
    }
    if (definition.unnamed && node.kind !== "null") {
      this.#wholeProblem(node.place, "invalid-value", `Invalid ${name}: expected a list`);
      return;
    }
    for (const entry of this.#entries(node, name)) {
      if (entry.name === "")
        this.#wholeProblem(entry.place, "invalid-value", `Empty name in ${name}`);
      else this.#object({ kind: definition.kind, name: entry.name }, entry.place, entry.value);
    }
  }

  #object(key: ProvidedKey, place: Place, node: ConfigNode): void {
    const id = objectId(key);
    const decoded = decodeObject({ key, place, node }, this.#locate);
    const object: SourceObject = { ...decoded, fields: this.#fields };
    const earlier = this.#objects.get(id);
    if (earlier === undefined) {
      this.#objects.set(id, { key, object });
      return;
    }
    this.#problems.push(
      {
        object: key,
        severity: "error",
        code: "invalid-value",
        message: `Name "${shownText(key.name)}" is given twice; the first, in line ${earlier.object.source.line}, counts`,
        source: object.source,
        hint: "give it another name",
      },
      ...object.problems,
    );
  }

  #entries(node: ConfigNode, name: string): readonly ConfigEntry[] {
    if (node.kind === "map") return node.entries;
    if (node.kind !== "null") {
      this.#wholeProblem(
        node.place,
        "invalid-value",
        `Invalid ${name === wholeFile ? "content" : name}: expected keys below it`,
      );
    }
    return [];
  }

  #entriesOnce(node: ConfigNode, name: string): readonly ConfigEntry[] {
    const seen = new Set<string>();
    return this.#entries(node, name).filter((entry) => {
      const lowerName = entry.name.toLowerCase();
      const first = !seen.has(lowerName);
      if (!first) {
        const message = `Key "${shownText(entry.name)}" is given twice in ${name}`;
        this.#wholeProblem(entry.place, "invalid-value", message);
      }
      seen.add(lowerName);
      return first;
    });
  }

  #unknown(entry: ConfigEntry, where: string, known: readonly string[]): void {
    const near = nearestName(entry.name, known);
    const hint = near === undefined ? `valid are ${known.join(", ")}` : `did you mean "${near}"?`;
    this.#wholeProblem(
      entry.place,
      "unknown-key",
      `Unknown key "${shownText(entry.name)}" in ${where}`,
      hint,
    );
  }

  #wholeProblem(
    place: Place,
    code: "unknown-key" | "invalid-value",
    message: string,
    hint?: string,
  ): void {
    this.#complete = false;
    this.#problems.push({
      severity: "error",
      code,
      message,
      source: this.#locate(place),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
