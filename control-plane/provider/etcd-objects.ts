/**
 * The pairs below the root key, grouped by the object they describe, so that a changed key costs one object's decoding
 * whatever else etcd holds. Names that differ in case are one object, called as the first of its keys in etcd's order
 * spells it: it is renamed when that key comes or goes.
 */
import type { ProvidedKey } from "../../config-model/dynamic/decode-object.ts";
import type { Diagnostic, SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { FieldPositions } from "../../config-model/dynamic/field-positions.ts";
import {
  decodeKvObject,
  type KvPair,
  kvObjectNode,
} from "../../config-model/dynamic/kv/decode-kv-object.ts";
import { describeStrayKvKey, locateKvKey } from "../../config-model/dynamic/kv/locate-kv-key.ts";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import { type FieldPath, locateField } from "../../config-model/schema/locate-field.ts";
import type { PairChange } from "../etcd/known-pairs.ts";

interface KeyedObject {
  /** By full etcd key: two spellings of one place (`HTTP/...`, `http/...`) are two pairs, and go away one by one. */
  readonly pairs: Map<string, string>;
  /** What it was called when it was read last. */
  known: ProvidedKey | undefined;
}

interface LocatedPair extends KvPair {
  readonly owner: ProvidedKey;
}

/** Keys another program uses for locks below the root; Traefik passes over them too. */
const lockMark = "___lock";

/** The part of its key that names the object. */
function placeOf({ key, rest }: LocatedPair): string {
  return withoutSlashes(key, key.length - rest.length);
}

export class EtcdObjects implements FieldPositions {
  readonly #prefix: string;
  readonly #objects = new Map<string, KeyedObject>();
  readonly #strays = new Map<string, Diagnostic>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get strays(): readonly Diagnostic[] {
    return [...this.#strays.values()];
  }

  /** Ids of all objects there are, also of those that come and go while they are iterated. */
  ids(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** Takes changed pairs in; tells the objects they touch, and whether the stray keys are others now. */
  apply(changes: readonly PairChange[]): {
    readonly touched: ReadonlySet<string>;
    readonly straysChanged: boolean;
  } {
    const touched = new Set<string>();
    let straysChanged = false;
    for (const change of changes) {
      if (change.key.includes(lockMark)) continue;
      const location = locateKvKey(change.key.slice(this.#prefix.length));
      if (location === undefined) {
        straysChanged = this.#applyStray(change) || straysChanged;
      } else {
        const { kind, name } = location.key;
        const id = objectId({ kind, name: name.toLowerCase() });
        touched.add(id);
        this.#applyPair(id, change);
      }
    }
    return { touched, straysChanged };
  }

  /**
   * What became of an object since it was read last: its decoded content under its name, and that the name it had is
   * gone, if it is.
   */
  read(id: string): readonly SourceChange[] {
    const object = this.#objects.get(id);
    if (object === undefined) return [];
    const { known } = object;
    const located = this.#located(object);
    const [first] = located;
    if (first === undefined) {
      this.#objects.delete(id);
      return known === undefined ? [] : [{ key: known, object: undefined }];
    }
    const key = known?.name === first.owner.name ? known : first.owner;
    object.known = key;
    const decoded = decodeKvObject(key, located, placeOf(first));
    const change = { key, object: { ...decoded, fields: this } };
    if (known === undefined || known === key) return [change];
    return [{ key: known, object: undefined }, change];
  }

  positionOf({ kind, name }: ObjectKey, path: FieldPath): SourcePosition | undefined {
    const object = this.#objects.get(objectId({ kind, name: name.toLowerCase() }));
    const located = object === undefined ? [] : this.#located(object);
    const [first] = located;
    const place = first && locateField(kvObjectNode(located, placeOf(first)), path);
    return place === undefined ? undefined : { provider: "etcd", location: String(place) };
  }

  /** In etcd's order. */
  #located({ pairs }: KeyedObject): readonly LocatedPair[] {
    const located: LocatedPair[] = [];
    for (const [key, value] of pairs) {
      const location = locateKvKey(key.slice(this.#prefix.length));
      if (location !== undefined) {
        located.push({ key, value, rest: location.rest, owner: location.key });
      }
    }
    return located.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #applyPair(id: string, { key, value }: PairChange): void {
    let object = this.#objects.get(id);
    if (value === undefined) {
      object?.pairs.delete(key);
      return;
    }
    if (object === undefined) {
      object = { pairs: new Map(), known: undefined };
      this.#objects.set(id, object);
    }
    object.pairs.set(key, value);
  }

  #applyStray({ key, value }: PairChange): boolean {
    if (value === undefined) return this.#strays.delete(key);
    if (this.#strays.has(key)) return false;
    const stray = describeStrayKvKey(key.slice(this.#prefix.length), key);
    if (stray === undefined) return false;
    this.#strays.set(key, stray);
    return true;
  }
}

/** The key up to `end`, without the slashes before that. */
function withoutSlashes(key: string, end: number): string {
  let length = end;
  while (key[length - 1] === "/") length--;
  return key.slice(0, length);
}
