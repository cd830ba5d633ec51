/**
 * Traefik's keys in etcd, followed for ever. One etcd transaction is one `changes` event; the first reading is
 * emitted as one change and ended by `complete`. An etcd that cannot be reached, or refuses us, is told once per reason and
 * tried again without end; what was emitted stays.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { ProvidedKey } from "../../config-model/dynamic/decode-object.ts";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { EtcdConnectionConfig } from "../../config-model/static/static-configuration.ts";
import type { Logger } from "../../foundation/log.ts";
import { EtcdClient } from "../etcd/etcd-client.ts";
import { prefixRange } from "../etcd/key-range.ts";
import { OutageLog } from "../etcd/outage-log.ts";
import { settledWithin } from "../etcd/settled-within.ts";
import { type PairChange, watchPrefix } from "../etcd/watch-prefix.ts";
import { EtcdObjects } from "./etcd-objects.ts";
import type { Provider, ProviderEvent } from "./provider.ts";

/** Decoded in one turn of the event loop. */
const sliceObjects = 200;
const stopGraceMs = 1_000;
/** More stray keys than these help nobody, and each report is sent whole. */
const maximumProblems = 100;

export interface EtcdProviderInit {
  readonly etcd: EtcdConnectionConfig;
  readonly log: Logger;
}

export class EtcdProvider implements Provider {
  readonly name = "etcd";
  readonly #etcd: EtcdConnectionConfig;
  readonly #prefix: string;
  readonly #client: EtcdClient;
  readonly #objects: EtcdObjects;
  readonly #outage: OutageLog;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #emit: (event: ProviderEvent) => void = () => {};
  #running: Promise<unknown> = Promise.resolve();
  #phase: "listing" | "decoding" | "following" = "listing";
  /** Objects that changed while the list was decoded. */
  readonly #meanwhile = new Map<string, ProvidedKey>();
  /** Keys with a leading slash, counted once. */
  #invisible: Diagnostic | undefined;

  constructor({ etcd, log }: EtcdProviderInit) {
    this.#etcd = etcd;
    this.#prefix = prefixOf(etcd.rootKey);
    this.#client = new EtcdClient(etcd);
    this.#objects = new EtcdObjects(this.#prefix);
    this.#outage = new OutageLog("Provider etcd", log);
    this.#log = log;
  }

  async start(emit: (event: ProviderEvent) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#emit = emit;
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    const afterList: Promise<void>[] = [];
    const watching = watchPrefix(
      {
        client: this.#client,
        prefix: this.#prefix,
        onChanges: (changes) => this.#onChanges(changes),
        onListed: () => {
          this.#phase = "decoding";
          afterList.push(this.#emitAll(), this.#countInvisible());
        },
        onUnavailable: (error) => this.#onUnavailable(error),
        onAvailable: () => void this.#outage.recovered(),
      },
      this.#stopping.signal,
    );
    this.#running = watching.then(() => Promise.all(afterList));
  }

  async stop(): Promise<void> {
    this.#emit = () => {};
    this.#stopping.abort();
    await settledWithin(stopGraceMs, this.#running);
    this.#client.close();
  }

  #onChanges(pairs: readonly PairChange[]): void {
    const { touched, straysChanged } = this.#objects.apply(pairs);
    // Until the list is through an object may be read by half; while the list is decoded changes join it.
    if (this.#phase === "decoding") for (const [id, key] of touched) this.#meanwhile.set(id, key);
    if (this.#phase !== "following") return;
    const changes = Array.from(touched, ([id, key]) => this.#objects.read(id, key));
    if (changes.length > 0) this.#emit({ kind: "changes", changes });
    if (straysChanged) this.#emitProblems();
  }

  /**
   * Decodes in slices and emits at once: when etcd had been out of reach nobody waits for `complete` any more, and a
   * router must not go out before its service.
   */
  async #emitAll(): Promise<void> {
    const read = new Map<string, SourceChange>();
    for (const id of this.#objects.ids()) {
      const key = this.#objects.key(id);
      if (key !== undefined) read.set(id, this.#objects.read(id, key));
      if (read.size % sliceObjects > 0) continue;
      await nextTurn();
      if (this.#stopping.signal.aborted) return;
    }
    for (const [id, key] of this.#meanwhile) read.set(id, this.#objects.read(id, key));
    this.#meanwhile.clear();
    this.#phase = "following";
    const count = read.size;
    if (count > 0) this.#emit({ kind: "changes", changes: [...read.values()] });
    if (this.#objects.strays.length > 0) this.#emitProblems();
    this.#emit({ kind: "complete" });
    this.#log.info("provider etcd has read its keys", { root: this.#prefix, objects: count });
  }

  async #countInvisible(): Promise<void> {
    const wrong = `/${this.#prefix}`;
    const client = new EtcdClient(this.#etcd); // the watch's own is not for others
    try {
      const { count } = await client.range(prefixRange(wrong), { countOnly: true });
      if (count === 0) return;
      this.#invisible = {
        severity: "warning",
        code: "unknown-key",
        message: `${count} keys begin with "${wrong}" and are not read: keys have no leading slash`,
        source: { provider: "etcd", location: wrong },
        hint: `write them as "${this.#prefix}..."`,
      };
      this.#emitProblems();
    } catch (error) {
      // Our user need not be allowed to look there, and a hint is no reason to fail.
      this.#log.debug("keys with a leading slash could not be counted", { error });
    } finally {
      client.close();
    }
  }

  #emitProblems(): void {
    const problems = this.#invisible === undefined ? [] : [this.#invisible];
    problems.push(...this.#objects.strays.slice(0, maximumProblems));
    this.#emit({ kind: "problems", problems });
  }

  #onUnavailable(error: Error): void {
    if (this.#outage.failed(error)) {
      this.#emit({ kind: "unavailable", reason: error.message });
    }
  }
}

/** `traefik`, `/traefik`, `traefik/`: `traefik/`. */
function prefixOf(rootKey: string): string {
  const bare = rootKey.replace(/^\/+|\/+$/g, "");
  return bare === "" ? "" : `${bare}/`;
}
