import type { DocumentParse } from "./document.ts";
import { parseToml } from "./parse-toml.ts";
import { parseYaml } from "./parse-yaml.ts";

/** Reads TOML when the path ends so, else YAML. */
export function parseDocument(text: string, path: string): DocumentParse {
  return /\.toml$/i.test(path) ? parseToml(text) : parseYaml(text);
}
