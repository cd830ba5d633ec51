/** The corpus of test/corpus, and what the real pieces say to a case of it: the provider's decoder, the watcher, the compiler. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { decodeDocument } from "../../config-model/dynamic/decode-document.ts";
import { type Diagnostic, formatPosition } from "../../config-model/dynamic/diagnostic.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import { loadStaticConfiguration } from "../../config-model/static/load-static-configuration.ts";
import { StaticConfigurationError } from "../../config-model/static/static-configuration-error.ts";
import { SnapshotCompiler } from "../../control-plane/compiler/snapshot-compiler.ts";
import { EtcdObjects } from "../../control-plane/provider/etcd-objects.ts";
import { ConfigurationWatcher } from "../../control-plane/watcher/configuration-watcher.ts";
import { printableLine } from "../../foundation/printable-line.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { entryPoint } from "./dynamic-config.ts";

export interface CorpusCase {
  readonly name: string;
  readonly says: string;
  /** Name of the text around `input`, which stands where the frame has `$bad`. */
  readonly frame?: string;
  readonly input?: string;
  /** etcd keys below the root. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly rule?: string;
  readonly protocol?: "http" | "tcp";
  readonly file?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Static cases: absent when it is only a warning. */
  readonly exit?: number;
}

export interface Corpus {
  readonly frames?: Readonly<Record<string, string>>;
  readonly cases: readonly CorpusCase[];
}

/** What the pipeline holds and says in the end. */
interface Outcome {
  readonly says: string;
  /** Hex of the payload, by object id. */
  readonly resources: ReadonlyMap<string, string>;
}

export function readCorpus(file: string): Corpus {
  return load(readFileSync(join(import.meta.dirname, "../corpus", file), "utf8")) as Corpus;
}

/** `$long`: a text no sentence should repeat. `$deep`: operators nested deeper than a rule may be. */
function expanded(text: string): string {
  return text.replaceAll("$long", () => "x".repeat(5000)).replaceAll("$deep", () => deepRule(40));
}

function deepRule(levels: number): string {
  let rule = "Path(`/`)";
  for (let level = 0; level < levels; level++) {
    rule = `(Path(\`/\`) ${level % 2 === 0 ? "&&" : "||"} ${rule})`;
  }
  return rule;
}

/** The frame with the lines of `input` in the place, and at the indentation, of its line `$bad`. */
export function framed(frame: string, input: string): string {
  return frame.replace(/^( *)\$bad\n/m, (_line, indent: string) =>
    expanded(input)
      .split("\n")
      .map((line) => (line === "" ? "\n" : `${indent}${line}\n`))
      .join("")
      .replace(/\n\n$/, "\n"),
  );
}

class Pipeline {
  readonly #compiler = new SnapshotCompiler({ precedence: ["file", "etcd"] });
  readonly #resources = new Map<string, string>();
  readonly #said = new Map<string, readonly Diagnostic[]>();
  readonly #watcher: ConfigurationWatcher;

  constructor(provider: string) {
    this.#watcher = new ConfigurationWatcher({
      providers: ["internal", provider],
      onBatch: ({ changes }) => {
        const { delta, diagnostics } = this.#compiler.apply(changes);
        for (const removed of delta.removals) this.#resources.delete(idOf(removed));
        for (const resource of delta.upserts) {
          this.#resources.set(idOf(resource), Buffer.from(resource.payload).toString("hex"));
        }
        for (const { key, diagnostics: now } of diagnostics) this.#said.set(objectId(key), now);
      },
      onProblems: (_provider, problems) => void this.#said.set("", problems),
    });
    const source = { provider: "internal", location: "static configuration" };
    const entryPoints = {
      web: entryPoint(8000),
      names: entryPoint(53, { protocol: "udp" }),
      other: entryPoint(54, { protocol: "udp" }),
    };
    const changes = Object.entries(entryPoints).map(([name, config]): SourceChange => {
      return { key: { kind: "entryPoint", name }, object: { source, config, problems: [] } };
    });
    this.accept("internal", changes, []);
  }

  accept(
    provider: string,
    changes: readonly SourceChange[],
    problems: readonly Diagnostic[],
  ): this {
    this.#watcher.accept({ provider, event: { kind: "changes", changes } });
    this.#watcher.accept({ provider, event: { kind: "complete" } });
    this.#watcher.accept({ provider, event: { kind: "problems", problems } });
    return this;
  }

  outcome(): Outcome {
    const diagnostics = [...this.#said.values()].flat();
    return { says: diagnostics.map(printed).join("\n"), resources: this.#resources };
  }
}

function idOf(resource: Parameters<typeof objectKeyOf>[0]): string {
  const key = objectKeyOf(resource);
  return key === undefined ? "unknown" : objectId(key);
}

function printed({ object, severity, code, message, source, hint }: Diagnostic): string {
  const about = object === undefined ? "" : ` ${shownText(objectId(object))}`;
  const where = shownText(formatPosition(source), 120);
  const lines = [`${where} ${severity} ${code}${about}`, `  ${message}`];
  if (hint !== undefined) lines.push(`  (${hint})`);
  return lines.map(printableLine).join("\n");
}

/** A file provider's reading of `text`, on top of an earlier reading of `before`. */
export function readDocuments(path: string, ...texts: readonly string[]): Outcome {
  const pipeline = new Pipeline("file");
  for (const text of texts) {
    const { objects, problems } = decodeDocument(text, path);
    pipeline.accept("file", [...objects.values()], problems);
  }
  return pipeline.outcome();
}

export function readKeys(keys: Readonly<Record<string, string>>): Outcome {
  const objects = new EtcdObjects("traefik/");
  const { touched } = objects.apply(
    Object.entries(keys).map(([key, value]) => ({
      key: `traefik/${expanded(key)}`,
      value: expanded(value),
    })),
  );
  const changes = [...touched].flatMap((id) => objects.read(id));
  return new Pipeline("etcd").accept("etcd", changes, objects.strays).outcome();
}

/** Errors of a configuration that is refused (exit 2), or the warnings of one that starts. */
export function readStatic({ file, flags = [], env = {}, input = "" }: CorpusCase): {
  readonly says: string;
  readonly exit: number | undefined;
} {
  try {
    const { warnings } = loadStaticConfiguration({
      flags: [...(file === undefined ? [] : [`--configFile=${file}`]), ...flags.map(expanded)],
      env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, expanded(text)])),
      readFile: (path) => (path === file && input !== "" ? expanded(input) : undefined),
      resolvePath: (path) => path,
    });
    return { says: warnings.join("\n"), exit: undefined };
  } catch (error) {
    if (!(error instanceof StaticConfigurationError)) throw error;
    return { says: error.message, exit: 2 };
  }
}
