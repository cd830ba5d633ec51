/** Texts to start from: the repository's own examples, corpus, vectors and documentation. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { framed, readCorpus } from "../support/broken-configurations.ts";
import { vectors } from "../support/vectors.ts";

const repository = join(import.meta.dirname, "../..");

function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

function documentsOf(file: "yaml-files.yml" | "toml-files.yml"): readonly string[] {
  const { frames = {}, cases } = readCorpus(file);
  return cases.map(({ frame = "", input = "" }) => framed(frames[frame] ?? "$bad\n", input));
}

/** Blocks of the documentation between fences of this language. */
function documented(language: string): readonly string[] {
  const blocks = read("docs/configuration.md").matchAll(/^```(\w*)\n(.*?)^```/gms);
  return [...blocks].filter(([, name]) => name === language).map(([, , text = ""]) => text);
}

function staticInputs(extension: RegExp): readonly string[] {
  return readCorpus("static.yml").cases.flatMap(({ file = "", input }) =>
    input !== undefined && extension.test(file) ? [input] : [],
  );
}

const yaml = [...documentsOf("yaml-files.yml"), read("examples/quickstart/routes.yml")];
const staticYaml = [...staticInputs(/\.ya?ml$/), read("examples/quickstart/switchyard.yml")];

export const seedTexts = {
  httpRules: [
    ...vectors<{ readonly rule: string }>("http-rules").map(({ rule }) => rule),
    ...readCorpus("rules.yml").cases.map(({ rule = "" }) => rule),
  ],
  tcpRules: [
    ...vectors<{ readonly rule: string }>("tcp-rules").map(({ rule }) => rule),
    ...readCorpus("rules.yml").cases.map(({ rule = "" }) => rule),
  ],
  yaml: [...yaml, ...documented("yaml")],
  toml: [...documentsOf("toml-files.yml"), ...documented("toml")],
  staticYaml,
  staticToml: [...staticInputs(/\.toml$/), ...documented("toml")],
  templates: [...documented("yaml"), ...documented("toml")].filter((text) => text.includes("{{")),
  /** `key=value` lines. */
  keys: [
    ...readCorpus("etcd-keys.yml").cases.map(({ keys = {} }) => asLines(keys)),
    ...vectors<{ readonly pairs?: Readonly<Record<string, string>> }>("kv-decode").map(
      ({ pairs = {} }) => asLines(pairs),
    ),
  ],
  flags: readCorpus("static.yml").cases.flatMap(({ flags = [] }) =>
    flags.length > 0 ? [flags.join("\n")] : [],
  ),
  variables: readCorpus("static.yml").cases.flatMap(({ env }) =>
    env === undefined ? [] : [asLines(env)],
  ),
} as const;

function asLines(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");
}
