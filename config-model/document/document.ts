import type { ConfigNode } from "../schema/config-node.ts";

/**
 * A file's text as trees whose places are offsets into the text, or the one mistake that makes it unreadable. A tree
 * for each document: YAML may hold several, and there is always one at least.
 */
export type DocumentParse =
  | { readonly ok: true; readonly roots: readonly ConfigNode[] }
  | { readonly ok: false; readonly offset: number; readonly message: string };

/** As if one document had said it all, for readers of keys that are said once. */
export function joinedRoots(roots: readonly ConfigNode[]): ConfigNode {
  const said = roots.filter(({ kind }) => kind !== "null");
  const [first = { kind: "null", place: 0 } as const] = said;
  if (said.length <= 1) return first;
  const entries = [];
  for (const root of said) {
    if (root.kind !== "map") return root;
    entries.push(...root.entries);
  }
  return { kind: "map", place: first.place, entries };
}
