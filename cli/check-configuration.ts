/**
 * What the running program would report of some files taken as one configuration, through the stages it runs itself:
 * decoders, watcher, compiler.
 */

import { joinedRoots } from "../config-model/document/document.ts";
import { parseDocument } from "../config-model/document/parse-document.ts";
import {
  type DecodedDocument,
  type DocumentObject,
  decodeDynamicPart,
  filePositions,
} from "../config-model/dynamic/decode-document.ts";
import { decodeDynamicFile } from "../config-model/dynamic/decode-dynamic-file.ts";
import type { Diagnostic, SourcePosition } from "../config-model/dynamic/diagnostic.ts";
import { FileFields, type LocatedDocuments } from "../config-model/dynamic/file-fields.ts";
import { objectId } from "../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../config-model/dynamic/source-object.ts";
import type { ConfigEntry, ConfigNode, Place } from "../config-model/schema/config-node.ts";
import { decodeStaticPart } from "../config-model/static/decode-static-part.ts";
import { defaultPrecedence } from "../config-model/static/schema/provider-schema.ts";
import { removedKeys } from "../config-model/static/schema/removed-keys.ts";
import { staticRootNames } from "../config-model/static/schema/static-root-names.ts";
import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";
import { joinedCertificates } from "../control-plane/provider/content/certificate-identity.ts";
import { ObjectContent } from "../control-plane/provider/content/object-content.ts";
import type { PresentObject } from "../control-plane/provider/content/object-contents.ts";
import { duplicateProblem } from "../control-plane/provider/file-problem.ts";
import { ConfigurationWatcher } from "../control-plane/watcher/configuration-watcher.ts";
import { withholdsKeys } from "../control-plane/withholds-keys.ts";
import { byText } from "../foundation/by-text.ts";
import { type CompileSettings, findAllProblems } from "./find-all-problems.ts";
import { entryPointChanges, namedEntryPoints } from "./known-entry-points.ts";

export interface ConfigurationFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Not so: a key that is valid and not built, a file that this machine may not have, and what follows from another problem,
 * which is reported itself.
 */
export function isMistake({ severity, code }: Diagnostic): boolean {
  return severity === "error" && !harmless.has(code);
}

const harmless: ReadonlySet<Diagnostic["code"]> = new Set([
  "not-built",
  "unreadable-file",
  "disabled-reference",
]);

/** In the order of the files, and by position in each. */
export function checkConfiguration(
  files: readonly ConfigurationFile[],
  resolvePath: (path: string) => string,
): readonly Diagnostic[] {
  const check = new ConfigurationCheck(resolvePath);
  for (const file of files) check.read(file);
  const order = new Map(files.map(({ path }, index) => [path, index]));
  return check.conclude().toSorted((a, b) => {
    const byFile = (order.get(a.source.location) ?? 0) - (order.get(b.source.location) ?? 0);
    if (byFile !== 0) return byFile;
    const byLine = (a.source.line ?? 0) - (b.source.line ?? 0);
    return byLine !== 0 ? byLine : (a.source.column ?? 0) - (b.source.column ?? 0);
  });
}

interface StaticPart {
  readonly path: string;
  readonly entryPoints: readonly SourceChange[];
  readonly settings: CompileSettings;
}

class ConfigurationCheck {
  readonly #resolvePath: (path: string) => string;
  readonly #problems: Diagnostic[] = [];
  readonly #objects = new Map<string, ReadonlyMap<string, DocumentObject>>();
  #static: StaticPart | undefined;

  constructor(resolvePath: (path: string) => string) {
    this.#resolvePath = resolvePath;
  }

  read({ path, text }: ConfigurationFile): void {
    const locate = filePositions(text, path);
    const parsed = parseDocument(text, path);
    // A template need not be a document before it is rendered; the static part of a file is never rendered.
    const isTemplate = text.includes("{{");
    if (!parsed.ok && !isTemplate) {
      this.#problems.push({
        severity: "error",
        code: "syntax",
        message: parsed.message,
        source: locate(parsed.offset),
      });
      return;
    }
    const staticProblems = parsed.ok
      ? this.#readStatic(path, joinedRoots(parsed.roots), locate)
      : [];
    const { objects, problems } =
      parsed.ok && !isTemplate
        ? decodeParsed({ roots: parsed.roots, locate })
        : decodeDynamicFile({ path, text, env: (name) => process.env[name] });
    this.#objects.set(path, objects);
    // Both parts look at the root's names, and the static one knows more of its own.
    const said = new Set(staticProblems.map(placeAndCode));
    const own = problems.filter((problem) => !said.has(placeAndCode(problem)));
    this.#problems.push(...staticProblems, ...own);
  }

  conclude(): readonly Diagnostic[] {
    const changes = this.#mergeFiles();
    const entryPoints = this.#static?.entryPoints ?? namedEntryPoints(changes);
    const settings = this.#static?.settings ?? settingsOf(undefined);
    const watcher = new ConfigurationWatcher({
      providers: ["file", "internal"],
      onBatch: (batch) => {
        // What is wrong with entry points has been said of the static part.
        const found = findAllProblems(batch.changes, settings);
        this.#problems.push(...found.filter(({ object }) => object?.kind !== "entryPoint"));
      },
      onProblems: () => {},
    });
    watcher.accept({ provider: "file", event: { kind: "changes", changes } });
    watcher.accept({ provider: "internal", event: { kind: "changes", changes: entryPoints } });
    for (const provider of ["file", "internal"]) {
      watcher.accept({ provider, event: { kind: "complete" } });
    }
    return this.#problems;
  }

  /** As the file provider does: of two objects of one name the one in the first file by path counts. */
  #mergeFiles(): readonly SourceChange[] {
    const merged = new Map<string, PresentObject>();
    const content = new ObjectContent();
    for (const path of [...this.#objects.keys()].toSorted(byText)) {
      for (const [writtenId, original] of this.#objects.get(path) ?? []) {
        const object = content.resolve(`${path}\0${writtenId}`, original);
        const id = object === original ? writtenId : objectId(object.key);
        const first = merged.get(id);
        if (first === undefined) merged.set(id, object);
        else if (object.key.kind === "tlsCertificate") {
          merged.set(id, joinedCertificates(first, object));
        } else this.#problems.push(duplicateProblem(object, first), ...object.object.problems);
      }
    }
    return [...merged.values()];
  }

  #readStatic(
    path: string,
    root: ConfigNode,
    locate: (place: Place) => SourcePosition,
  ): readonly Diagnostic[] {
    const entries = root.kind === "map" ? root.entries.filter(isStaticEntry) : [];
    const [first] = entries;
    if (first === undefined) return [];
    const part: ConfigNode = { kind: "map", place: root.place, entries };
    const { configuration, problems } = decodeStaticPart(part, this.#resolvePath);
    const found = problems.map(({ place, ...problem }): Diagnostic => {
      return { ...problem, source: locate(place) };
    });
    if (this.#static !== undefined) {
      const message = `The static configuration is in ${this.#static.path} already; the one here counts only without that file`;
      const source = locate(first.place);
      return [...found, { severity: "warning", code: "invalid-value", message, source }];
    }
    this.#static = {
      path,
      entryPoints: entryPointChanges(entries, configuration),
      settings: settingsOf(configuration),
    };
    return found;
  }
}

function decodeParsed(documents: LocatedDocuments): DecodedDocument {
  const fields = new FileFields();
  fields.replace(documents, () => documents);
  return decodeDynamicPart(documents, fields);
}

/** A stream without an address is a socket of `up`, or one that only this machine reaches. */
function settingsOf(configuration: StaticConfiguration | undefined): CompileSettings {
  if (configuration === undefined) return { precedence: defaultPrecedence };
  const { fleet, providers } = configuration;
  return {
    precedence: providers.precedence,
    withholdsKeys: withholdsKeys(fleet, fleet.stream.address),
  };
}

const staticNames = new Set([
  ...staticRootNames.map((name) => name.toLowerCase()),
  ...removedKeys.keys(),
]);

function isStaticEntry({ name }: ConfigEntry): boolean {
  return staticNames.has(name.toLowerCase());
}

function placeAndCode({ code, source }: Diagnostic): string {
  return `${code}:${source.line}:${source.column}`;
}
