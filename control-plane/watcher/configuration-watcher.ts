/**
 * Merges what all providers say into one dynamic configuration (stage 3), by key and in place: names become
 * `name@provider`, what did not change is skipped, and each batch is as large as its change.
 *
 * A start never publishes half: nothing moves on until every provider has either read its source whole or said that it
 * cannot. A provider that could not keeps what the newest committed generation holds of it (carried over), until it has
 * read its source whole; what it has not named by then is gone.
 *
 * What one provider says before its first mark is held back for as long as others are awaited; after the first batch
 * every event passes as it comes.
 */
import { isDeepStrictEqual } from "node:util";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedKey } from "../../config-model/dynamic/qualified-name.ts";
import type { SourceChange, SourceObject } from "../../config-model/dynamic/source-object.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { SourceState } from "../../config-model/snapshot/source-digest.ts";
import type { TaggedEvent } from "../aggregator/tagged-event.ts";
import type { WatchedBatch, WatchedChange } from "./watched-change.ts";

export interface ConfigurationWatcherInit {
  /** Names of the configured providers. */
  readonly providers: readonly string[];
  readonly onBatch: (batch: WatchedBatch) => void;
  /** Problems of a provider's source as a whole; replaces what was reported for it before. */
  readonly onProblems: (provider: string, problems: readonly Diagnostic[]) => void;
}

interface ProviderState {
  /** `pending`: neither complete nor unavailable yet. */
  phase: "pending" | "unavailable" | "complete";
  /** Carried over and not named by the provider yet, by id. */
  readonly carried: Map<string, ObjectKey>;
}

export class ConfigurationWatcher {
  readonly #init: ConfigurationWatcherInit;
  readonly #providers: ReadonlyMap<string, ProviderState>;
  /** What each provider says now, by qualified id. */
  readonly #objects = new Map<string, SourceObject>();
  /** Held back until no provider is pending. */
  readonly #held = new Map<string, WatchedChange>();
  readonly #sources = new Map<string, SourceState>();
  /** Since the last batch. */
  #sourcesChanged: boolean = false;
  #started: boolean = false;

  constructor(init: ConfigurationWatcherInit) {
    this.#init = init;
    this.#providers = new Map(
      init.providers.map((name) => [name, { phase: "pending", carried: new Map() }]),
    );
  }

  /** Providers the first batch waits for. */
  get pendingProviders(): readonly string[] {
    return [...this.#providers]
      .filter(([, { phase }]) => phase === "pending")
      .map(([name]) => name);
  }

  /** Whether what the provider has not named it does not have; so too for one that is not configured. */
  isComplete(provider: string): boolean {
    const phase = this.#providers.get(provider)?.phase ?? "complete";
    return phase === "complete";
  }

  /** What the newest committed generation holds, in as many parts as it comes in; before the first batch only. */
  carryOver({ upserts, removals }: SnapshotDelta): void {
    for (const resource of upserts) {
      const key = objectKeyOf(resource);
      if (key === undefined) continue;
      const id = objectId(key);
      const provider = this.#providers.get(providerOf(key));
      if (provider === undefined || (provider.phase === "complete" && !this.#objects.has(id))) {
        this.#held.set(id, { id, key, object: undefined });
      } else if (!this.#objects.has(id)) {
        provider.carried.set(id, key);
      }
    }
    for (const resource of removals) {
      const key = objectKeyOf(resource);
      if (key !== undefined) this.#providers.get(providerOf(key))?.carried.delete(objectId(key));
    }
  }

  accept({ provider: name, event }: TaggedEvent): void {
    const provider = this.#providers.get(name);
    if (provider === undefined) throw new Error(`Cannot watch provider "${name}": it is unknown`);
    switch (event.kind) {
      case "changes":
        this.#hold(this.#changed(name, provider, event.changes));
        if (event.source !== undefined) this.#noteSource(name, event.source);
        break;
      case "complete":
        provider.phase = "complete";
        this.#hold(this.#unnamed(provider));
        break;
      case "unavailable":
        if (provider.phase === "pending") provider.phase = "unavailable";
        break;
      case "problems":
        this.#init.onProblems(name, event.problems);
        return;
    }
    this.#release();
  }

  #changed(
    name: string,
    provider: ProviderState,
    changes: readonly SourceChange[],
  ): WatchedChange[] {
    const changed: WatchedChange[] = [];
    for (const { key, object } of changes) {
      const qualified = qualifiedKey(key, name);
      const id = objectId(qualified);
      const wasCarried = provider.carried.delete(id);
      const before = this.#objects.get(id);
      if (object === undefined) {
        this.#objects.delete(id);
        if (before === undefined && !wasCarried) continue;
        changed.push({ id, key: qualified, object: undefined });
      } else {
        const merged = keepUnchanged(object, before);
        if (merged === before) continue;
        this.#objects.set(id, merged);
        changed.push({ id, key: qualified, object: merged });
      }
    }
    return changed;
  }

  #unnamed({ carried }: ProviderState): WatchedChange[] {
    const removals = Array.from(carried, ([id, key]) => ({ id, key, object: undefined }));
    carried.clear();
    return removals;
  }

  #noteSource(provider: string, source: SourceState): void {
    const before = this.#sources.get(provider);
    if (before === undefined || Buffer.compare(before.digest, source.digest) !== 0) {
      this.#sourcesChanged = true;
    }
    this.#sources.set(provider, source);
  }

  #hold(changes: readonly WatchedChange[]): void {
    for (const change of changes) this.#held.set(change.id, change);
  }

  #release(): void {
    if (!this.#started && this.pendingProviders.length > 0) return;
    // The first batch goes out even when it is empty: it tells the next stage that everybody has been heard.
    if (this.#started && this.#held.size === 0 && !this.#sourcesChanged) return;
    this.#started = true;
    this.#sourcesChanged = false;
    const changes = [...this.#held.values()];
    this.#held.clear();
    this.#init.onBatch({ changes, sources: new Map(this.#sources) });
  }
}

/** `before` itself when nothing changed; else the new object, around the old `config` when that is equal. */
function keepUnchanged(object: SourceObject, before: SourceObject | undefined): SourceObject {
  if (before === undefined || !isDeepStrictEqual(object.config, before.config)) return object;
  if (
    isDeepStrictEqual(object.source, before.source) &&
    isDeepStrictEqual(object.problems, before.problems)
  ) {
    return before;
  }
  return { ...object, config: before.config };
}
