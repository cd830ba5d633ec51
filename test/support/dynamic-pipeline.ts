/** From a provider's document to resources and diagnostics, through the stages a control plane runs it through. */
import { decodeDocument } from "../../config-model/dynamic/decode-document.ts";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import type { Body } from "../../control-plane/compiler/compiled-content.ts";
import { decodeBody } from "../../control-plane/compiler/resource-body.ts";
import { SnapshotCompiler } from "../../control-plane/compiler/snapshot-compiler.ts";
import { ConfigurationWatcher } from "../../control-plane/watcher/configuration-watcher.ts";

export class DynamicPipeline {
  /** By `kind:name`. */
  readonly bodies = new Map<string, Body>();
  /** What is published, by the same. */
  readonly resources = new Map<string, Resource>();
  readonly diagnostics = new Map<string, readonly Diagnostic[]>();
  /** Qualified ids of everything the providers named. */
  readonly named = new Set<string>();
  readonly #watcher: ConfigurationWatcher;

  constructor(
    providers: readonly string[],
    entryPoints: Readonly<Record<string, EntryPointConfig>>,
  ) {
    const compiler = new SnapshotCompiler({ precedence: providers });
    this.#watcher = new ConfigurationWatcher({
      providers: ["internal", ...providers],
      onBatch: ({ changes }) => {
        for (const { key } of changes) this.named.add(objectId(key));
        const { delta, diagnostics } = compiler.apply(changes);
        for (const removed of delta.removals) {
          this.bodies.delete(idOf(objectKeyOf(removed)));
          this.resources.delete(idOf(objectKeyOf(removed)));
        }
        for (const put of delta.upserts) {
          this.resources.set(idOf(objectKeyOf(put)), put);
          const body = decodeBody(put.payload);
          if (body !== undefined) this.bodies.set(idOf(objectKeyOf(put)), body);
        }
        for (const { key, diagnostics: now } of diagnostics) {
          this.diagnostics.set(objectId(key), now);
        }
      },
      onProblems: () => {},
    });
    const source = { provider: "internal", location: "static" };
    const changes = Object.entries(entryPoints).map(([name, config]): SourceChange => {
      return { key: { kind: "entryPoint", name }, object: { source, config, problems: [] } };
    });
    this.#watcher.accept({ provider: "internal", event: { kind: "changes", changes } });
    this.#watcher.accept({ provider: "internal", event: { kind: "complete" } });
  }

  /** The whole of what a provider says, as a JSON value. */
  feed(provider: string, configuration: unknown): void {
    const { objects } = decodeDocument(JSON.stringify(configuration), "routes.yml");
    const changes = [...objects.values()];
    this.#watcher.accept({ provider, event: { kind: "changes", changes } });
    this.#watcher.accept({ provider, event: { kind: "complete" } });
  }

  remove(provider: string, key: ObjectKey): void {
    this.#watcher.accept({
      provider,
      event: { kind: "changes", changes: [{ key, object: undefined }] },
    });
  }

  saidOf(kind: ObjectKey["kind"], name: string): readonly Diagnostic[] {
    return this.diagnostics.get(objectId({ kind, name })) ?? [];
  }

  /** Objects with an error. */
  get broken(): readonly string[] {
    return [...this.diagnostics]
      .filter(([, said]) => said.some(({ severity }) => severity === "error"))
      .map(([id]) => id);
  }
}

function idOf(key: ObjectKey | undefined): string {
  if (key === undefined) throw new Error("A resource of no known kind was published");
  return objectId(key);
}
