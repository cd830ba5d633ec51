/**
 * The pairs below the root key, grouped by the object they describe, so that a changed key costs one object's decoding
 * whatever else etcd holds.
 */
import type { ProvidedKey } from "../../config-model/dynamic/decode-object.ts";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import { decodeKvObject } from "../../config-model/dynamic/kv/decode-kv-object.ts";
import { describeStrayKvKey, locateKvKey } from "../../config-model/dynamic/kv/locate-kv-key.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { PairChange } from "../etcd/known-pairs.ts";

interface KeyedObject {
  readonly key: ProvidedKey;
  /** By full etcd key: two spellings of one place (`HTTP/...`, `http/...`) are two pairs, and go away one by one. */
  readonly pairs: Map<string, string>;
}

/** Keys another program uses for locks below the root; Traefik passes over them too. */
const lockMark = "___lock";

export class EtcdObjects {
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

  /** Takes changed pairs in; tells the objects they touch, each once, and whether the stray keys are others now. */
  apply(changes: readonly PairChange[]): {
    readonly touched: ReadonlyMap<string, ProvidedKey>;
    readonly straysChanged: boolean;
  } {
    const touched = new Map<string, ProvidedKey>();
    let straysChanged = false;
    for (const change of changes) {
      if (change.key.includes(lockMark)) continue;
      const location = locateKvKey(change.key.slice(this.#prefix.length));
      if (location === undefined) {
        straysChanged = this.#applyStray(change) || straysChanged;
      } else {
        const id = objectId(location.key);
        touched.set(id, location.key);
        this.#applyPair(id, location.key, change);
      }
    }
    return { touched, straysChanged };
  }

  /** The object as it is now, decoded; absent in the change when it has no pairs left. */
  read(id: string, key: ProvidedKey): SourceChange {
    const object = this.#objects.get(id);
    if (object === undefined) return { key, object: undefined };
    const rests = new Map<string, string>();
    let sourceKey = "";
    // Of two spellings of one place the last in etcd's order counts, whichever was written last.
    for (const [fullKey, value] of [...object.pairs].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const relative = fullKey.slice(this.#prefix.length);
      const rest = locateKvKey(relative)?.rest ?? "";
      rests.set(rest, value);
      sourceKey ||= `${this.#prefix}${relative.slice(0, relative.length - rest.length)}`;
    }
    return { key, object: decodeKvObject(key, rests, sourceKey.replace(/\/+$/, "")) };
  }

  key(id: string): ProvidedKey | undefined {
    return this.#objects.get(id)?.key;
  }

  #applyPair(id: string, key: ProvidedKey, { key: fullKey, value }: PairChange): void {
    let object = this.#objects.get(id);
    if (value !== undefined) {
      object ??= { key, pairs: new Map() };
      object.pairs.set(fullKey, value);
      this.#objects.set(id, object);
      return;
    }
    object?.pairs.delete(fullKey);
    if (object?.pairs.size === 0) this.#objects.delete(id);
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
