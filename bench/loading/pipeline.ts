/** The control plane's stages behind a provider, up to the compiler's output. */
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import { SnapshotCompiler } from "../../control-plane/compiler/snapshot-compiler.ts";
import type { ProviderEvent } from "../../control-plane/provider/provider.ts";
import { ConfigurationWatcher } from "../../control-plane/watcher/configuration-watcher.ts";
import { entryPoint } from "../../test/support/dynamic-config.ts";

export class Pipeline {
  readonly #watcher: ConfigurationWatcher;
  readonly #provider: string;
  /** Resources of the newest batch. */
  #compiled = 0;

  constructor(provider: string) {
    this.#provider = provider;
    const compiler = new SnapshotCompiler({ precedence: ["file", "etcd"] });
    this.#watcher = new ConfigurationWatcher({
      providers: ["internal", provider],
      onBatch: ({ changes }) => {
        this.#compiled = compiler.apply(changes).delta.upserts.length;
      },
      onProblems: () => {},
    });
    const source = { provider: "internal", location: "static configuration" };
    const web = { source, config: entryPoint(8000), problems: [] };
    const changes = [{ key: { kind: "entryPoint", name: "web" }, object: web } as const];
    this.#watcher.accept({ provider: "internal", event: { kind: "changes", changes } });
    this.#watcher.accept({ provider: "internal", event: { kind: "complete" } });
  }

  accept(event: ProviderEvent): void {
    this.#watcher.accept({ provider: this.#provider, event });
  }

  /** All there is, as a first reading. Throws when not all of it was compiled. */
  load(changes: readonly SourceChange[]): void {
    this.accept({ kind: "changes", changes });
    this.accept({ kind: "complete" });
    this.expectCompiled(changes.length + 1); // and the entry point
  }

  expectCompiled(count: number): void {
    if (this.#compiled === count) return;
    throw new Error(`Cannot measure: ${this.#compiled} of ${count} resources were compiled`);
  }
}
