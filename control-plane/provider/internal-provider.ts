import { isDeepStrictEqual } from "node:util";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { StaticConfiguration } from "../../config-model/static/static-configuration.ts";
import { internalObjects } from "./internal-objects.ts";
import type { Provider, ProviderEvent } from "./provider.ts";

/**
 * What data planes need of the static configuration, as objects like everything else: said at the start, and as
 * differences when another configuration takes its place.
 */
export class InternalProvider implements Provider {
  readonly name = "internal";
  #objects: ReadonlyMap<string, SourceChange>;
  #emit: ((event: ProviderEvent) => void) | undefined;

  constructor(configuration: StaticConfiguration) {
    this.#objects = byId(configuration);
  }

  async start(emit: (event: ProviderEvent) => void): Promise<void> {
    this.#emit = emit;
    emit({ kind: "changes", changes: [...this.#objects.values()] });
    emit({ kind: "complete" });
  }

  /** Before the start too: the start then says the new one. */
  update(configuration: StaticConfiguration): void {
    const before = this.#objects;
    this.#objects = byId(configuration);
    const changes: SourceChange[] = [];
    for (const [id, { key }] of before) {
      if (!this.#objects.has(id)) changes.push({ key, object: undefined });
    }
    for (const [id, change] of this.#objects) {
      if (!isDeepStrictEqual(change.object, before.get(id)?.object)) changes.push(change);
    }
    if (changes.length > 0) this.#emit?.({ kind: "changes", changes });
  }

  async stop(): Promise<void> {
    this.#emit = undefined;
  }
}

function byId(configuration: StaticConfiguration): ReadonlyMap<string, SourceChange> {
  return new Map(internalObjects(configuration).map((change) => [objectId(change.key), change]));
}
