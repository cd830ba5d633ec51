import type { SourceChange, SourceObject } from "../../config-model/dynamic/source-object.ts";
import type { StaticConfiguration } from "../../config-model/static/static-configuration.ts";
import type { Provider, ProviderEvent } from "./provider.ts";

/** Name of the one node settings object of a fleet. */
const nodeSettingsName = "node";

/** What data planes need of the static configuration, as objects like everything else: said once, at the start. */
export class InternalProvider implements Provider {
  readonly name = "internal";
  readonly #configuration: StaticConfiguration;

  constructor(configuration: StaticConfiguration) {
    this.#configuration = configuration;
  }

  async start(emit: (event: ProviderEvent) => void): Promise<void> {
    const { entryPoints, nodeSettings } = this.#configuration;
    const changes: SourceChange[] = [];
    for (const [name, config] of entryPoints) {
      const object = this.#object(`entryPoints.${name}`, config);
      changes.push({ key: { kind: "entryPoint", name }, object });
    }
    const settings = this.#object("serversTransport", nodeSettings);
    changes.push({ key: { kind: "nodeSettings", name: nodeSettingsName }, object: settings });
    emit({ kind: "changes", changes });
    emit({ kind: "complete" });
  }

  async stop(): Promise<void> {}

  #object(location: string, config: NonNullable<SourceObject["config"]>): SourceObject {
    return { source: { provider: this.name, location }, config, problems: [] };
  }
}
