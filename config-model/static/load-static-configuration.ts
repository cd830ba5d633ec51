/**
 * Finds the one source of the static configuration (file, else flags, else environment; never merged), decodes it and
 * normalises it. Reads files only through `readFile`, so that it stays a function of its arguments.
 */
import { errorText } from "../../foundation/error-text.ts";
import { printableLine } from "../../foundation/printable-line.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { type DocumentParse, joinedRoots } from "../document/document.ts";
import { LineMap } from "../document/line-map.ts";
import { parseToml } from "../document/parse-toml.ts";
import { parseYaml } from "../document/parse-yaml.ts";
import { sectionsByLowerName } from "../dynamic/schema/dynamic-schema.ts";
import type { ConfigNode, Place } from "../schema/config-node.ts";
import { decodeStaticPart, type StaticProblem } from "./decode-static-part.ts";
import { type Environment, readEnvironment } from "./read-environment.ts";
import { readFlags } from "./read-flags.ts";
import { staticSchema } from "./schema/static-schema.ts";
import type { StaticConfiguration } from "./static-configuration.ts";
import { StaticConfigurationError } from "./static-configuration-error.ts";

export interface StaticConfigurationInit {
  /** Command line without the process flags (`--workers`, `--admin` ...). */
  readonly flags: readonly string[];
  readonly env: Environment;
  /** Text of a file; `undefined` when there is no such file. What else fails is thrown, as a sentence when it is a `StaticConfigurationError`. */
  readonly readFile: (path: string) => string | undefined;
  /** Turns a path of the configuration into an absolute one. */
  readonly resolvePath: (path: string) => string;
}

export interface LoadedStaticConfiguration {
  readonly configuration: StaticConfiguration;
  /** One sentence each. */
  readonly warnings: readonly string[];
  /** Path of the file, `flags`, `environment`, or `defaults` when nothing was given. */
  readonly source: string;
}

interface Source {
  readonly name: string;
  readonly root: ConfigNode;
  readonly describePlace: (place: Place) => string;
}

/** Throws `StaticConfigurationError`. */
export function loadStaticConfiguration(init: StaticConfigurationInit): LoadedStaticConfiguration {
  const flags = readFlags(init.flags, staticSchema);
  const environment = readEnvironment(init.env);
  const warnings: string[] = [];
  const file = findFile(init, flags.configFile ?? environment.configFile);
  let source: Source;
  if (file !== undefined) {
    source = fileSource(file);
    noteIgnored(warnings, "Flags", flags.names, file.path);
    noteIgnored(warnings, "Variables", environment.names, file.path);
  } else if (flags.names.length > 0) {
    source = { name: "flags", root: flags.tree, describePlace: String };
    noteIgnored(warnings, "Variables", environment.names, "flags");
  } else {
    const name = environment.names.length > 0 ? "environment" : "defaults";
    source = { name, root: environment.tree, describePlace: String };
  }
  if (environment.traefikNames.length > 0) {
    const names = shownNames(environment.traefikNames);
    warnings.push(`Not read: ${names}; rename the prefix of variables to SWITCHYARD_`);
  }
  return { ...decodeSource(source, init, warnings), source: source.name };
}

function noteIgnored(
  warnings: string[],
  what: string,
  names: readonly string[],
  source: string,
): void {
  if (names.length === 0) return;
  const from = shownText(source, maxShownPathCharacters);
  warnings.push(`${what} are ignored, the configuration comes from ${from}: ${shownNames(names)}`);
}

const maxShownPathCharacters = 240;
const maxShownNames = 100;

/** All of them as a rule; of an absurd number the first ones. */
function shownNames(names: readonly string[]): string {
  const shown = names.slice(0, maxShownNames).map((name) => shownText(name));
  const left = names.length - shown.length;
  return printableLine(shown.join(", ") + (left > 0 ? ` and ${left} more` : ""));
}

interface FoundFile {
  readonly path: string;
  readonly text: string;
}

const extensions = ["toml", "yaml", "yml"];

function findFile(init: StaticConfigurationInit, named: string | undefined): FoundFile | undefined {
  if (named !== undefined) {
    const text = readText(init, named);
    if (text !== undefined) return { path: named, text };
    throw new StaticConfigurationError(
      `Cannot read configuration file "${shownText(named, maxShownPathCharacters)}": there is no such file`,
    );
  }
  for (const path of searchPaths(init.env)) {
    const text = readText(init, path);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

function readText({ readFile }: StaticConfigurationInit, path: string): string | undefined {
  try {
    return readFile(path);
  } catch (error) {
    if (error instanceof StaticConfigurationError) throw error;
    const reason = errorText(error);
    throw new StaticConfigurationError(
      `Cannot read configuration file "${shownText(path, maxShownPathCharacters)}": ${reason}`,
      {
        cause: error,
      },
    );
  }
}

function searchPaths(env: Environment): readonly string[] {
  const home = env["HOME"];
  const configHome = env["XDG_CONFIG_HOME"] || (home && `${home}/.config`);
  const folders = ["/etc/switchyard", ...(configHome ? [configHome] : []), "."];
  return folders.flatMap((folder) =>
    extensions.map((extension) => `${folder}/switchyard.${extension}`),
  );
}

function fileSource({ path, text }: FoundFile): Source {
  const lines = new LineMap(text);
  const describePlace = (place: Place) => {
    const { line, column } = lines.position(Number(place));
    return `${path}:${line}:${column}`;
  };
  const parsed = parseFile(path, text);
  if (!parsed.ok) {
    throw new StaticConfigurationError(
      printableLine(`${describePlace(parsed.offset)}: ${parsed.message}`),
    );
  }
  return { name: path, root: withoutDynamicPart(joinedRoots(parsed.roots)), describePlace };
}

function parseFile(path: string, text: string): DocumentParse {
  const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  switch (extension) {
    case "toml":
      return parseToml(text);
    case "yaml":
    case "yml":
      return parseYaml(text);
    default:
      throw new StaticConfigurationError(
        `Cannot read configuration file "${shownText(path, maxShownPathCharacters)}": its name must end in .toml, .yaml or .yml`,
      );
  }
}

/** A file may hold the dynamic configuration too; the file provider reads that part. */
function withoutDynamicPart(root: ConfigNode): ConfigNode {
  if (root.kind !== "map") return root;
  const entries = root.entries.filter(({ name }) => !sectionsByLowerName.has(name.toLowerCase()));
  return entries.length === 0 ? { kind: "null", place: 0 } : { ...root, entries };
}

function decodeSource(
  { root, describePlace }: Source,
  { resolvePath }: StaticConfigurationInit,
  earlierWarnings: readonly string[],
): Pick<LoadedStaticConfiguration, "configuration" | "warnings"> {
  const { configuration, problems } = decodeStaticPart(root, resolvePath);
  const describe = ({ place, message, hint }: StaticProblem) => {
    const end = hint === undefined ? "" : ` (${hint})`;
    return printableLine(`${shownText(describePlace(place), 240)}: ${message}${end}`);
  };
  if (configuration === undefined) {
    const errors = problems.filter(({ severity }) => severity === "error");
    // In the order of the file; flags and variables come in theirs.
    errors.sort((a, b) => Number(a.place) - Number(b.place) || 0);
    throw new StaticConfigurationError(errors.map(describe).join("\n"));
  }
  const untold = problems.filter(({ isDiagnosed }) => isDiagnosed !== true);
  return { configuration, warnings: [...earlierWarnings, ...untold.map(describe)] };
}
