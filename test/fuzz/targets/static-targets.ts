/** The static configuration from each of its sources: it loads, or is refused in sentences. */
import assert from "node:assert/strict";
import {
  loadStaticConfiguration,
  type StaticConfigurationInit,
} from "../../../config-model/static/load-static-configuration.ts";
import { staticSchema } from "../../../config-model/static/schema/static-schema.ts";
import { StaticConfigurationError } from "../../../config-model/static/static-configuration-error.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { assertSentence, type FuzzTarget } from "../fuzz-target.ts";
import { generateTree, type Tree, writeKeys, writeToml, writeYaml } from "../generate-config.ts";
import { mutate } from "../mutate-text.ts";
import { seedTexts } from "../seed-texts.ts";

/** The loaded configuration, or the refusal. */
function load(init: Partial<StaticConfigurationInit>): unknown {
  const whole = {
    flags: [],
    env: {},
    readFile: () => undefined,
    resolvePath: (path: string) => path,
    ...init,
  };
  try {
    const { configuration, warnings } = loadStaticConfiguration(whole);
    for (const warning of warnings) assertSentence(warning);
    return configuration;
  } catch (error) {
    if (!(error instanceof StaticConfigurationError)) throw error;
    for (const line of error.message.split("\n")) assertSentence(line);
    return error.message;
  }
}

function checkTwice(init: Partial<StaticConfigurationInit>): void {
  assert.deepEqual(load(init), load(init), "another outcome the second time");
}

function generateStatic(random: SeededRandom): Tree {
  return generateTree(random, staticSchema) ?? {};
}

/** Dotted paths as flags, with numbers in brackets. */
function writeFlags(tree: Tree): string {
  return writeKeys(tree, "")
    .map(
      ([path, value]) => `--${path.replaceAll("/", ".").replaceAll(/\.(\d+)/g, "[$1]")}=${value}`,
    )
    .join("\n");
}

function writeVariables(tree: Tree): string {
  return writeKeys(tree, "")
    .map(([path, value]) => `SWITCHYARD_${path.replaceAll("/", "_").toUpperCase()}=${value}`)
    .join("\n");
}

function writeTomlFile(tree: Tree): string {
  return Object.entries(tree)
    .map(([name, value]) => `${name} = ${writeToml(value)}\n`)
    .join("");
}

interface StaticForm {
  readonly name: string;
  readonly seeds: readonly string[];
  readonly write: (tree: Tree) => string;
  readonly check: (input: string) => void;
}

const fileForm = (extension: string) => (input: string) =>
  checkTwice({ flags: [`--configFile=s.${extension}`], readFile: () => input });

const forms: readonly StaticForm[] = [
  { name: "yaml", seeds: seedTexts.staticYaml, write: writeYaml, check: fileForm("yaml") },
  { name: "toml", seeds: seedTexts.staticToml, write: writeTomlFile, check: fileForm("toml") },
  {
    name: "flags",
    seeds: seedTexts.flags,
    write: writeFlags,
    check: (input) => checkTwice({ flags: input.split("\n") }),
  },
  {
    name: "environment",
    seeds: seedTexts.variables,
    write: writeVariables,
    check: (input) => checkTwice({ env: variablesOf(input) }),
  },
];

function variablesOf(lines: string): Readonly<Record<string, string>> {
  const pairs = lines.split("\n").map((line) => {
    const equals = line.indexOf("=");
    return [line.slice(0, Math.max(equals, 0)), line.slice(equals + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

export const staticTargets: readonly FuzzTarget[] = forms.map(({ name, seeds, write, check }) => ({
  name: `static-${name}`,
  weight: 2,
  generate: (random) => {
    const text = random.chance(0.5) ? write(generateStatic(random)) : random.pick(seeds);
    return random.chance(0.7) ? mutate(random, text, seeds) : text;
  },
  check,
}));
