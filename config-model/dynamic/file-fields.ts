import type { ConfigEntry, ConfigNode, Place } from "../schema/config-node.ts";
import { type FieldPath, locateField } from "../schema/locate-field.ts";
import type { SourcePosition } from "./diagnostic.ts";
import type { FieldPositions } from "./field-positions.ts";
import { type ObjectKey, objectId } from "./object-key.ts";
import { sectionsByLowerName } from "./schema/dynamic-schema.ts";

/** A file's text as trees, and where their places are. */
export interface LocatedDocuments {
  readonly roots: readonly ConfigNode[];
  readonly locate: (place: Place) => SourcePosition;
}

/** Of the objects of one file, in its newest readable text. */
export class FileFields implements FieldPositions {
  #read: () => LocatedDocuments | undefined = () => undefined;
  /** Trees are many times as large as their text: they stay only as long as memory is not wanted for something else. */
  #known: WeakRef<ObjectNodes> | undefined;

  /** `read` gives `documents` again, should they be wanted when they are gone. */
  replace(documents: LocatedDocuments, read: () => LocatedDocuments | undefined): void {
    this.#read = read;
    this.#known = new WeakRef(new ObjectNodes(documents));
  }

  positionOf(key: ObjectKey, path: FieldPath): SourcePosition | undefined {
    return (this.#known?.deref() ?? this.#readAgain())?.positionOf(key, path);
  }

  #readAgain(): ObjectNodes | undefined {
    const documents = this.#read();
    if (documents === undefined) return undefined;
    const nodes = new ObjectNodes(documents);
    this.#known = new WeakRef(nodes);
    return nodes;
  }
}

class ObjectNodes {
  readonly #documents: LocatedDocuments;
  #byId: ReadonlyMap<string, ConfigNode> | undefined;

  constructor(documents: LocatedDocuments) {
    this.#documents = documents;
  }

  positionOf(key: ObjectKey, path: FieldPath): SourcePosition | undefined {
    this.#byId ??= nodesById(this.#documents.roots);
    const node = this.#byId.get(objectId(key));
    const place = node && locateField(node, path);
    return place === undefined ? undefined : this.#documents.locate(place);
  }
}

/** The first of each name, which is the one that counts. */
function nodesById(roots: readonly ConfigNode[]): ReadonlyMap<string, ConfigNode> {
  const nodes = new Map<string, ConfigNode>();
  /** Numbered through all documents, as they are called. */
  let unnamed = 0;
  for (const root of roots) {
    for (const section of entriesOf(root)) {
      const collections = sectionsByLowerName.get(section.name.toLowerCase())?.collections;
      for (const collection of entriesOf(section.value)) {
        const definition = collections?.get(collection.name.toLowerCase())?.definition;
        if (definition === undefined) continue;
        const { kind } = definition;
        if (definition.unnamed) {
          for (const item of itemsOf(collection.value)) {
            nodes.set(objectId({ kind, name: String(unnamed++) }), item);
          }
          continue;
        }
        for (const { name, value } of entriesOf(collection.value)) {
          const id = objectId({ kind, name });
          if (!nodes.has(id)) nodes.set(id, value);
        }
      }
    }
  }
  return nodes;
}

function entriesOf(node: ConfigNode): readonly ConfigEntry[] {
  return node.kind === "map" ? node.entries : [];
}

function itemsOf(node: ConfigNode): readonly ConfigNode[] {
  return node.kind === "list" ? node.items : [];
}
