import { buildKeyTree, type KeyPair } from "../../schema/build-key-tree.ts";
import type { KeyNode } from "../../schema/config-node.ts";
import { decodeObject, type ProvidedKey } from "../decode-object.ts";
import type { SourcePosition } from "../diagnostic.ts";
import type { SourceObject } from "../source-object.ts";

export interface KvPair {
  /** The whole key, as it is in the store. */
  readonly key: string;
  /** What follows the object's name in it (`KvLocation.rest`). */
  readonly rest: string;
  readonly value: string;
}

/**
 * Decodes one object from its pairs with Traefik's rules for key-value stores, with one difference: a bad key harms this
 * object only. `place`: the part of a key that names the object (`traefik/http/routers/r1`).
 */
export function decodeKvObject(
  key: ProvidedKey,
  pairs: readonly KvPair[],
  place: string,
): SourceObject {
  return decodeObject({ key, place, node: kvObjectNode(pairs, place) }, etcdPosition);
}

/** An object's pairs as a tree, whose places are keys. */
export function kvObjectNode(pairs: readonly KvPair[], place: string): KeyNode {
  return buildKeyTree(inTraefikOrder(pairs), place);
}

/**
 * As strings, lists of texts by the key of the list: this is also the order of numbered nodes (0, 1, 10, 2). It matters
 * where keys differ in case: the first spelling names a node, the last one gives its value.
 */
function inTraefikOrder(pairs: readonly KvPair[]): readonly KeyPair[] {
  return pairs.map(toKeyPair).sort((a, b) => {
    const [, keyA, , listA = keyA] = a;
    const [, keyB, , listB = keyB] = b;
    if (listA !== listB) return listA < listB ? -1 : 1;
    return keyA < keyB ? -1 : 1;
  });
}

function toKeyPair({ key, rest, value }: KvPair): KeyPair {
  const path = rest.split("/").filter((fragment) => fragment !== "");
  return [path, key, value, rest === "" ? key : key.replace(/\/\d+$/, "")];
}

function etcdPosition(place: number | string): SourcePosition {
  return { provider: "etcd", location: String(place) };
}
