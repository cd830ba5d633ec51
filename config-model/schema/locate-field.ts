import type { ConfigEntry, ConfigNode, Place } from "./config-node.ts";

/** Names of keys and numbers of list items, from an object down: `["loadBalancer", "servers", 0, "url"]`. */
export type FieldPath = readonly (string | number)[];

/**
 * Where a field stands in the source: its value, when that is a text, else its key. A field the source does not have is
 * looked for as deep as there is something: the nearest key above it. Absent: not even the first name is there.
 */
export function locateField(node: ConfigNode, path: FieldPath): Place | undefined {
  let place: Place | undefined;
  let current = node;
  for (const step of path) {
    const next = typeof step === "number" ? itemAt(current, step) : entryNamed(current, step);
    if (next === undefined) return place;
    current = next.value;
    place = current.kind === "scalar" ? current.place : next.place;
  }
  return place;
}

type Found = Pick<ConfigEntry, "place" | "value">;

/** Texts between commas have the place of the whole. */
function itemAt(node: ConfigNode, index: number): Found | undefined {
  if (node.kind === "keys") {
    return node.entries.filter(({ name }) => /^\d+$/.test(name))[index];
  }
  const item = node.kind === "list" ? node.items[index] : undefined;
  return item && { place: item.place, value: item };
}

/** Fields are case-insensitive; names of maps are not, and have the first word. */
function entryNamed(node: ConfigNode, name: string): Found | undefined {
  if (node.kind !== "map" && node.kind !== "keys") return undefined;
  const exact = node.entries.find((entry) => entry.name === name);
  if (exact !== undefined) return exact;
  const lowerName = name.toLowerCase();
  return node.entries.find((entry) => entry.name.toLowerCase() === lowerName);
}
