import type { ConfigEntry, KeyNode } from "./config-node.ts";

interface Branch {
  readonly name: string;
  readonly place: string;
  text: string | undefined;
  /** By lower-case name: siblings that differ in case are one, in the first spelling. */
  readonly children: Map<string, Branch>;
}

/** Tree of keys in the order given. */
export function buildKeyTree(
  pairs: Iterable<readonly [path: readonly string[], place: string, text: string]>,
  rootPlace: string,
): KeyNode {
  const root: Branch = { name: "", place: rootPlace, text: undefined, children: new Map() };
  for (const [path, place, text] of pairs) {
    let branch = root;
    for (const name of path) {
      const id = name.toLowerCase();
      let child = branch.children.get(id);
      if (child === undefined) {
        child = { name, place, text: undefined, children: new Map() };
        branch.children.set(id, child);
      }
      branch = child;
    }
    branch.text = text;
  }
  return toNode(root);
}

function toNode({ place, text, children }: Branch): KeyNode {
  const entries: ConfigEntry[] = [];
  for (const child of children.values()) {
    entries.push({ name: child.name, place: child.place, value: toNode(child) });
  }
  return { kind: "keys", place, text, entries };
}
