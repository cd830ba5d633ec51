/** Parents of child routers without those that close a loop, from the whole picture at once. */
export function naiveBonds(
  asked: ReadonlyMap<string, readonly string[]>,
  existing: ReadonlySet<string>,
): Map<string, readonly string[]> {
  const above = new Map([...asked.keys()].map((id) => [id, ancestors(id, asked)]));
  const bonds = new Map(asked);
  const done = new Set<string>();
  for (const id of [...asked.keys()].sort((a, b) => (a < b ? -1 : 1))) {
    if (done.has(id) || !above.get(id)?.has(id)) continue;
    const loop = [...asked.keys()]
      .filter((other) => above.get(id)?.has(other) && above.get(other)?.has(id))
      .sort((a, b) => (a < b ? -1 : 1));
    for (const member of loop) done.add(member);
    const outside = (member: string) =>
      asked.get(member)?.some((parent) => !loop.includes(parent) && existing.has(parent));
    descend(loop.find(outside) ?? id, [], new Set(), loop, asked, bonds);
  }
  return bonds;
}

function ancestors(id: string, asked: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set(asked.get(id) ?? []);
  for (const one of found) for (const parent of asked.get(one) ?? []) found.add(parent);
  return found;
}

function descend(
  id: string,
  way: readonly string[],
  visited: Set<string>,
  loop: readonly string[],
  asked: ReadonlyMap<string, readonly string[]>,
  bonds: Map<string, readonly string[]>,
): void {
  visited.add(id);
  const here = [...way, id];
  for (const child of loop) {
    if (!asked.get(child)?.includes(id)) continue;
    if (here.includes(child)) {
      bonds.set(
        child,
        (bonds.get(child) ?? []).filter((parent) => parent !== id),
      );
    } else if (!visited.has(child)) descend(child, here, visited, loop, asked, bonds);
  }
}
