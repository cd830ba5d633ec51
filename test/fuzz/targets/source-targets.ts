/** Dynamic configuration in each of its sources. */
import assert from "node:assert/strict";
import type { DecodedDocument } from "../../../config-model/dynamic/decode-document.ts";
import { decodeDocument } from "../../../config-model/dynamic/decode-document.ts";
import type { Diagnostic } from "../../../config-model/dynamic/diagnostic.ts";
import { objectId } from "../../../config-model/dynamic/object-key.ts";
import { sectionsByLowerName } from "../../../config-model/dynamic/schema/dynamic-schema.ts";
import type { SourceChange } from "../../../config-model/dynamic/source-object.ts";
import { EtcdObjects } from "../../../control-plane/provider/etcd-objects.ts";
import { readDocuments, readKeys } from "../../support/broken-configurations.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { assertSentence, type FuzzTarget } from "../fuzz-target.ts";
import { generateTree, type Tree, writeKeys, writeToml, writeYaml } from "../generate-config.ts";
import { mutate } from "../mutate-text.ts";
import { seedTexts } from "../seed-texts.ts";

interface Decoded {
  readonly objects: readonly SourceChange[];
  readonly problems: readonly Diagnostic[];
}

/** Objects of every kind by the schema table, below `http`, `tcp`, `udp` and `tls`. */
function generateDynamic(random: SeededRandom, withUnnamed: boolean): Tree {
  const root: Record<string, Record<string, Tree>> = {};
  for (let count = 1 + random.below(3); count > 0; count--) {
    const section = random.pick([...sectionsByLowerName.values()]);
    const { name, definition } = random.pick([...section.collections.values()]);
    const object = generateTree(random, definition.schema);
    if (object === undefined || (definition.unnamed && !withUnnamed)) continue;
    root[section.name] ??= {};
    const collections = root[section.name] ?? {};
    collections[name] = definition.unnamed ? [object] : { [random.pick(["a", "b", "7"])]: object };
  }
  return root;
}

function assertDiagnostics(problems: readonly Diagnostic[], inFile: boolean): void {
  for (const { message, hint, source } of problems) {
    assertSentence(message);
    if (hint !== undefined) assertSentence(hint);
    assert.ok(source.location !== "", "no place");
    if (!inFile) continue;
    assert.ok((source.line ?? 0) >= 1 && (source.column ?? 0) >= 1, "no line and column");
  }
}

function fromDocument({ objects, problems }: DecodedDocument): Decoded {
  return { objects: [...objects.values()], problems };
}

function assertDecoded({ objects, problems }: Decoded, inFile: boolean): void {
  assertDiagnostics(problems, inFile);
  for (const { object } of objects) assertDiagnostics(object?.problems ?? [], inFile);
}

function checkDocument(text: string, path: string): void {
  const decoded = decodeDocument(text, path);
  assert.deepEqual(decodeDocument(text, path), decoded, "another outcome the second time");
  assertDecoded(fromDocument(decoded), true);
  const lines = text.split("\n");
  for (const { source } of decoded.problems) {
    assert.ok((source.line ?? 0) <= lines.length, `line ${source.line} of ${lines.length}`);
    const { length } = lines[(source.line ?? 1) - 1] ?? "";
    assert.ok((source.column ?? 0) <= length + 1, `column ${source.column} of ${length}`);
  }
}

function documentTarget(form: "yaml" | "toml"): FuzzTarget {
  const write = form === "yaml" ? writeYaml : writeTomlSections;
  return {
    name: `dynamic-${form}`,
    weight: 3,
    generate: (random) => {
      const seeds = seedTexts[form];
      const text = random.chance(0.4) ? write(generateDynamic(random, true)) : random.pick(seeds);
      return random.chance(0.8) ? mutate(random, text, seeds) : text;
    },
    check: (input) => checkDocument(input, `routes.${form}`),
  };
}

/** One `[section.collection]` for each, all below inline. */
function writeTomlSections(tree: Tree): string {
  return Object.entries(tree)
    .map(([section, collections]) => `${section} = ${writeToml(collections)}\n`)
    .join("");
}

function pairsOf(lines: string): Readonly<Record<string, string>> {
  const pairs = Object.create(null) as Record<string, string>;
  for (const line of lines.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) pairs[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return pairs;
}

function decodeKeys(pairs: Readonly<Record<string, string>>): Decoded {
  const objects = new EtcdObjects("traefik/");
  const { touched } = objects.apply(
    Object.entries(pairs).map(([key, value]) => ({ key: `traefik/${key}`, value })),
  );
  const changes = [...touched].flatMap((id) => objects.read(id));
  return { objects: changes, problems: objects.strays };
}

function writeKeyLines(tree: Tree): string {
  return writeKeys(tree, "")
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");
}

const keysTarget: FuzzTarget = {
  name: "etcd-keys",
  weight: 3,
  generate: (random) => {
    const seeds = seedTexts.keys;
    const lines = random.chance(0.5)
      ? writeKeyLines(generateDynamic(random, true))
      : random.pick(seeds);
    return random.chance(0.8) ? mutate(random, lines, seeds) : lines;
  },
  check: (input) => {
    const pairs = pairsOf(input);
    const decoded = decodeKeys(pairs);
    assert.deepEqual(decodeKeys(pairs), decoded, "another outcome the second time");
    // The order in which etcd tells of keys is not part of what they say.
    const turned = decodeKeys(Object.fromEntries(Object.entries(pairs).toReversed()));
    assert.deepEqual(summary(turned), summary(decoded), "the order of keys counts");
    assertDecoded(decoded, false);
  },
};

/** What was understood, without places and words, which differ between the sources. */
function summary({ objects, problems }: Decoded): unknown {
  const byId = objects.map(({ key, object }) => {
    const said = object?.problems.map(({ severity, code }) => `${severity} ${code}`).toSorted();
    return [objectId(key), object?.config, said] as const;
  });
  return {
    objects: byId.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    problems: problems.map(({ code }) => code).toSorted(),
  };
}

/** The same objects in YAML, TOML and etcd. */
const sameTarget: FuzzTarget = {
  name: "same-in-all-sources",
  weight: 2,
  generate: (random) => JSON.stringify(generateDynamic(random, false)),
  check: (input) => {
    const tree = treeOf(input);
    if (tree === undefined) return;
    const yaml = summary(fromDocument(decodeDocument(writeYaml(tree), "routes.yml")));
    const toml = summary(fromDocument(decodeDocument(writeTomlSections(tree), "routes.toml")));
    const keys = summary(decodeKeys(Object.fromEntries(writeKeys(tree, ""))));
    assert.deepEqual(toml, yaml, "TOML decodes to something else than YAML");
    assert.deepEqual(keys, yaml, "etcd decodes to something else than YAML");
  },
};

/** Absent for what the shrinker has made of it when that is no tree. */
function treeOf(json: string): Tree | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isTree(value) && typeof value !== "string" ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isTree(value: unknown): value is Tree {
  if (typeof value === "string") return true;
  if (typeof value !== "object" || value === null) return false;
  const inner = Object.entries(value);
  return inner.length > 0 && inner.every(([name, item]) => name !== "" && isTree(item));
}

/** Decoder, watcher and compiler together. */
const pipelineTarget: FuzzTarget = {
  name: "pipeline",
  weight: 1,
  generate: (random) => {
    const form = random.pick(["keys", "yaml", "toml"] as const);
    return `${form}\n${mutate(random, random.pick(seedTexts[form]), seedTexts[form])}`;
  },
  check: (input) => {
    const end = input.indexOf("\n");
    const [form, text] = [input.slice(0, end), input.slice(end + 1)];
    const read = () =>
      form === "keys" ? readKeys(pairsOf(text)) : readDocuments(`routes.${form}`, text);
    const { says } = read();
    assert.equal(read().says, says, "another outcome the second time");
    for (const line of says.split("\n")) if (line !== "") assertSentence(line);
  },
};

export const sourceTargets: readonly FuzzTarget[] = [
  documentTarget("yaml"),
  documentTarget("toml"),
  keysTarget,
  sameTarget,
  pipelineTarget,
];
