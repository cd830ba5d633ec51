import type { ConfigEntry, KeyNode } from "./config-node.ts";

export type KeyPair = readonly [
  path: readonly string[],
  place: string,
  text: string,
  /**
   * How the key is spelled that gets the text; for an item of a list of texts, how the list is. Where several spellings
   * of one key are possible, what the last one gives replaces what the others gave, whole.
   */
  spelling?: string,
];

interface Branch {
  readonly name: string;
  place: string;
  text: string | undefined;
  /** Whose text or items it holds. */
  spelling: string | undefined;
  /** By lower-case name: siblings that differ in case are one, in the first spelling. */
  children: Map<string, Branch> | undefined;
}

/** No key of a schema is as deep; what is below is left out, so that no key exhausts the stack of whoever walks the tree. */
const maxDepth = 100;

/** Tree of keys in the order given. */
export function buildKeyTree(pairs: Iterable<KeyPair>, rootPlace: string): KeyNode {
  const root = createBranch("", rootPlace);
  for (const [path, place, text, spelling] of pairs) {
    const isItem = spelling !== undefined && spelling !== place;
    let branch = root;
    const depth = Math.min(path.length, maxDepth);
    for (let at = 0; at < depth; at++) {
      if (isItem && at === depth - 1) takeOver(branch, spelling);
      branch = childOf(branch, path[at] ?? "", place);
    }
    if (spelling !== undefined) {
      if (!isItem) takeOver(branch, spelling);
      branch.place = place;
    }
    branch.text = text;
  }
  return toNode(root);
}

function createBranch(name: string, place: string): Branch {
  return { name, place, text: undefined, spelling: undefined, children: undefined };
}

function childOf(branch: Branch, name: string, place: string): Branch {
  branch.children ??= new Map();
  const id = name.toLowerCase();
  let child = branch.children.get(id);
  if (child === undefined) {
    child = createBranch(name, place);
    branch.children.set(id, child);
  }
  return child;
}

/** From here on the branch holds what this spelling gives, and nothing that another one gave. */
function takeOver(branch: Branch, spelling: string): void {
  if (branch.spelling !== undefined && branch.spelling !== spelling) {
    branch.text = undefined;
    for (const [id, child] of branch.children ?? []) {
      if (/^\d+$/.test(id) && child.children === undefined) branch.children?.delete(id);
    }
  }
  branch.spelling = spelling;
}

function toNode({ place, text, children }: Branch): KeyNode {
  if (children === undefined) return { kind: "keys", place, text, entries: none };
  const entries = [...children.values()].map((child): ConfigEntry => {
    return { name: child.name, place: child.place, value: toNode(child) };
  });
  return { kind: "keys", place, text, entries };
}

const none: readonly ConfigEntry[] = [];
