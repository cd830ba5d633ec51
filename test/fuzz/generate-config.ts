/**
 * Random trees by the schema table, and their text in each of the forms a provider reads. Where a form has no way to
 * say something (empty lists in etcd, commas in lists of texts), trees do not have it: all forms must decode alike.
 */
import { parseScalar } from "../../config-model/schema/parse-scalar.ts";
import type { Schema } from "../../config-model/schema/schema.ts";
import type { SeededRandom } from "../support/seeded-random.ts";

export type Tree = string | readonly Tree[] | { readonly [name: string]: Tree };

const names = ["a", "b", "web", "app2", "A-b", "x_y", "10", "proto"];
const texts = [
  "x",
  "true",
  "0",
  "-1",
  "/a",
  "http://10.0.0.1:80",
  "10.0.0.1:5432",
  "Host(`a`)",
  "ä",
];

const scalars = {
  string: texts,
  bool: ["true", "false", "1", "maybe"],
  int: ["0", "7", "-1", "2147483647", "2147483648"],
  int64: ["0", "9223372036854775807", "-5", "1e3"],
  float: ["0.5", "1", "x"],
  duration: ["30", "1m30s", "10ms", "-1s", "soon"],
} as const;

/** Absent: the schema has no value to give here. */
export function generateTree(
  random: SeededRandom,
  { shape }: Schema<unknown>,
  depth = 6,
): Tree | undefined {
  switch (shape.kind) {
    case "scalar":
      if (shape.values !== undefined && random.chance(0.9)) return random.pick(shape.values);
      return random.pick(scalars[shape.type]);
    case "free":
      return undefined;
    case "list": {
      const count = 1 + random.below(3);
      const items = Array.from({ length: count }, () =>
        generateTree(random, shape.item, depth - 1),
      );
      return nonEmpty(items.filter((item) => item !== undefined));
    }
    case "map": {
      const entries = pickSome(random, names, 2).map((name) => {
        return [name, generateTree(random, shape.value, depth - 1)] as const;
      });
      return objectOf(entries);
    }
    case "struct": {
      if (shape.allowEmpty && random.chance(0.2)) return "true";
      if (depth <= 0 || shape.byLowerName.size === 0) return undefined;
      const fields = pickSome(random, Object.entries(shape.fields), 3);
      return objectOf(
        fields.map(([name, schema]) => {
          const spelt = random.chance(0.1) ? name.toUpperCase() : name;
          return [spelt, generateTree(random, schema, depth - 1)] as const;
        }),
      );
    }
  }
}

/** At least one, each once. */
function pickSome<T>(random: SeededRandom, items: readonly T[], most: number): readonly T[] {
  const count = 1 + random.below(most);
  return [...new Set(Array.from({ length: count }, () => random.pick(items)))];
}

function nonEmpty(items: readonly Tree[]): Tree | undefined {
  return items.length === 0 ? undefined : items;
}

function objectOf(entries: readonly (readonly [string, Tree | undefined])[]): Tree | undefined {
  const given = entries.filter((entry): entry is [string, Tree] => entry[1] !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

export function writeYaml(tree: Tree, indent = ""): string {
  if (typeof tree === "string") return `${JSON.stringify(tree)}\n`;
  if (Array.isArray(tree)) {
    return tree.map((item: Tree) => `${indent}-${below(item, indent)}`).join("");
  }
  return Object.entries(tree)
    .map(([name, value]) => `${indent}${JSON.stringify(name)}:${below(value, indent)}`)
    .join("");
}

function below(tree: Tree, indent: string): string {
  return typeof tree === "string" ? ` ${writeYaml(tree)}` : `\n${writeYaml(tree, `${indent}  `)}`;
}

/** Inline below the first level, with numbers and booleans as such where the text is one. */
export function writeToml(tree: Tree): string {
  if (typeof tree === "string") return tomlScalar(tree);
  if (Array.isArray(tree)) return `[${tree.map(writeToml).join(", ")}]`;
  const pairs = Object.entries(tree).map(
    ([name, value]) => `${JSON.stringify(name)} = ${writeToml(value)}`,
  );
  return `{ ${pairs.join(", ")} }`;
}

function tomlScalar(text: string): string {
  if (text === "true" || text === "false") return text;
  const number = parseScalar(text, "int64");
  return typeof number === "bigint" && String(number) === text ? text : JSON.stringify(text);
}

/** Keys below `path` with their values. */
export function writeKeys(tree: Tree, path: string): readonly (readonly [string, string])[] {
  if (typeof tree === "string") return [[path, tree]];
  return Object.entries(tree).flatMap(([name, value]: [string, Tree]) =>
    writeKeys(value, path === "" ? name : `${path}/${name}`),
  );
}
