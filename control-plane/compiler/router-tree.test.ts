import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RouterTree } from "./router-tree.ts";

function treeOf(parents: Readonly<Record<string, readonly string[]>>, order: readonly string[]) {
  const existing = new Set<string>();
  const tree = new RouterTree((id) => existing.has(id));
  for (const id of order) {
    existing.add(id);
    tree.noteExistence(id);
    tree.setParents(id, parents[id] ?? []);
    tree.settle();
  }
  return { tree, existing };
}

function bonds(tree: RouterTree, ids: Iterable<string>) {
  return [...ids].toSorted().map((id) => ({
    id,
    parents: tree.parentsOf(id),
    children: [...tree.childrenOf(id)].toSorted(),
    closes: tree.loopsClosedBy(id).map(({ path }) => path.join(" -> ")),
  }));
}

describe("RouterTree", () => {
  test("breaks a loop where a walk from the root would come back", () => {
    const parents = { B: ["A", "D"], C: ["B"], D: ["C"], E: ["D"] };
    const { tree } = treeOf(parents, ["E", "D", "C", "B", "A"]);
    assert.deepEqual(bonds(tree, "ABCDE"), [
      { id: "A", parents: [], children: ["B"], closes: [] },
      { id: "B", parents: ["A"], children: ["C"], closes: [] },
      { id: "C", parents: ["B"], children: ["D"], closes: [] },
      { id: "D", parents: ["C"], children: ["E"], closes: ["B -> C -> D -> B"] },
      { id: "E", parents: ["D"], children: [], closes: [] },
    ]);
  });

  test("a router that names itself has no parent left", () => {
    const { tree } = treeOf({ A: ["A"] }, ["A"]);
    assert.deepEqual(bonds(tree, "A"), [
      { id: "A", parents: [], children: [], closes: ["A -> A"] },
    ]);
  });

  test("mends a loop once one of its members has other parents", () => {
    const { tree } = treeOf({ B: ["A", "C"], C: ["B"] }, ["A", "B", "C"]);
    assert.deepEqual(tree.parentsOf("B"), ["A"]);
    tree.setParents("C", ["A"]);
    assert.deepEqual([...tree.settle()].toSorted(), ["A", "B", "C"]);
    assert.deepEqual(tree.parentsOf("B"), ["A", "C"]);
    assert.equal(tree.closesLoop("C"), false);
  });

  test("looks at a changed child, its parents and no others", () => {
    const many = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const parents = Object.fromEntries(many.map((id) => [id, ["root"]]));
    const { tree } = treeOf(parents, ["root", ...many]);
    tree.setParents("c7", ["root"]);
    assert.deepEqual([...tree.settle()].toSorted(), ["c7", "root"]);
  });

  test("whatever the order of changes, the bonds are those of the final state", () => {
    const ids = ["a", "b", "c", "d", "e", "f"];
    const edit = fc.record({
      id: fc.constantFrom(...ids),
      parents: fc.option(fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 3 })),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
        const { tree, existing } = treeOf({}, []);
        const last = new Map<string, readonly string[]>();
        for (const { id, parents } of edits) {
          if (parents === null) {
            existing.delete(id);
            last.delete(id);
            tree.setParents(id, []);
            tree.noteExistence(id);
          } else {
            if (!existing.has(id)) {
              existing.add(id);
              tree.noteExistence(id);
            }
            last.set(id, parents);
            tree.setParents(id, parents);
          }
          if (id > "c") tree.settle();
        }
        tree.settle();
        const fresh = treeOf(Object.fromEntries(last), [...last.keys()].toSorted());
        assert.deepEqual(bonds(tree, ids), bonds(fresh.tree, ids));
        for (const id of ids) assert.ok(!isAbove(tree, id, id), `${id} is behind itself`);
      }),
      { numRuns: 3_000 },
    );
  });
});

function isAbove(tree: RouterTree, id: string, wanted: string, seen = new Set<string>()): boolean {
  for (const parent of tree.parentsOf(id)) {
    if (parent === wanted) return true;
    if (seen.has(parent)) continue;
    seen.add(parent);
    if (isAbove(tree, parent, wanted, seen)) return true;
  }
  return false;
}
