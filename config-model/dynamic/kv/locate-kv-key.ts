import { nearestName } from "../../../foundation/nearest-name.ts";
import { shownText } from "../../../foundation/shown-text.ts";
import type { ProvidedKey } from "../decode-object.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { sectionsByLowerName } from "../schema/dynamic-schema.ts";

export interface KvLocation {
  readonly key: ProvidedKey;
  /** What follows the object's name, as written: `loadBalancer/servers/0/url`. Empty for the object's own key. */
  readonly rest: string;
}

/**
 * The object a key below the root (`http/routers/r1/rule`) belongs to. Section and collection are case-insensitive and
 * doubled slashes do not count. Names that differ in case are one object, as in Traefik; here the name is as this key
 * spells it. Absent: the key is no part of the dynamic configuration and is passed over.
 */
export function locateKvKey(relativeKey: string): KvLocation | undefined {
  const [section, afterSection] = takeFragment(relativeKey, 0);
  const collections = sectionsByLowerName.get(section.toLowerCase())?.collections;
  if (collections === undefined) return undefined;
  const [collection, afterCollection] = takeFragment(relativeKey, afterSection);
  const definition = collections.get(collection.toLowerCase())?.definition;
  if (definition === undefined) return undefined;
  const [name, afterName] = takeFragment(relativeKey, afterCollection);
  if (name === "") return undefined;
  return { key: { kind: definition.kind, name }, rest: relativeKey.slice(afterName) };
}

/** The next non-empty fragment and the offset behind the slashes that follow it. */
function takeFragment(path: string, from: number): readonly [fragment: string, next: number] {
  const start = skipSlashes(path, from);
  const slash = path.indexOf("/", start);
  const end = slash < 0 ? path.length : slash;
  return [path.slice(start, end), skipSlashes(path, end)];
}

function skipSlashes(path: string, from: number): number {
  let offset = from;
  while (path[offset] === "/") offset++;
  return offset;
}

/**
 * For a key `locateKvKey` knows no object for: the problem when it lies in a section of the dynamic configuration (`http`,
 * `tcp`, `udp`, `tls`) and is a mistake there; absent for keys that are somebody else's.
 */
export function describeStrayKvKey(relativeKey: string, sourceKey: string): Diagnostic | undefined {
  const [section, afterSection] = takeFragment(relativeKey, 0);
  const known = sectionsByLowerName.get(section.toLowerCase());
  if (known === undefined) return undefined;
  const [collection] = takeFragment(relativeKey, afterSection);
  const names = [...known.collections.values()].map(({ name }) => name);
  const source = { provider: "etcd", location: sourceKey };
  if (known.collections.has(collection.toLowerCase()) || collection === "") {
    return {
      severity: "error",
      code: "invalid-value",
      message: `Key "${shownText(sourceKey)}" names no object`,
      source,
      hint: `a name and its keys follow, like ${known.name}/${names[0]}/NAME/...`,
    };
  }
  const near = nearestName(collection, names);
  return {
    severity: "error",
    code: "unknown-key",
    message: `Unknown key "${shownText(collection)}" in ${known.name}`,
    source,
    hint: near === undefined ? `valid are ${names.join(", ")}` : `did you mean "${near}"?`,
  };
}
