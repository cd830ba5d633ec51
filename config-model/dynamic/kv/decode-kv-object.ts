import { buildKeyTree } from "../../schema/build-key-tree.ts";
import { decodeObject, type ProvidedKey } from "../decode-object.ts";
import type { SourcePosition } from "../diagnostic.ts";
import type { SourceObject } from "../source-object.ts";

/**
 * Decodes one object from its keys with Traefik's rules for key-value stores, with one difference: a bad key harms this
 * object only. `pairs` maps what follows the object's name (`KvLocation.rest`) to the value; `sourceKey` is the full key
 * of the object (`traefik/http/routers/r1`).
 */
export function decodeKvObject(
  key: ProvidedKey,
  pairs: ReadonlyMap<string, string>,
  sourceKey: string,
): SourceObject {
  // String order is also the order of numbered nodes (0, 1, 10, 2), as in Traefik.
  const sorted = [...pairs].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const tree = buildKeyTree(
    sorted.map(([rest, value]) => {
      const path = rest.split("/").filter((fragment) => fragment !== "");
      return [path, rest === "" ? sourceKey : `${sourceKey}/${rest}`, value] as const;
    }),
    sourceKey,
  );
  return decodeObject({ key, place: sourceKey, node: tree }, etcdPosition);
}

function etcdPosition(place: number | string): SourcePosition {
  return { provider: "etcd", location: String(place) };
}
