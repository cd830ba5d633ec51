/**
 * Traefik's keys in etcd, followed for ever. What an etcd transaction changes is emitted as one `changes` event, together
 * with other transactions that arrive with it, and with the digest of all keys; the first reading is emitted as one
 * change and ended by `complete`. An etcd that cannot be reached, or refuses us, is told once per reason and
 * tried again without end; what was emitted stays.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { SourceState } from "../../config-model/snapshot/source-digest.ts";
import type { EtcdConnectionConfig } from "../../config-model/static/static-configuration.ts";
import type { Logger } from "../../foundation/log.ts";
import { EtcdClient } from "../etcd/etcd-client.ts";
import { prefixRange } from "../etcd/key-range.ts";
import { KnownPairs, type PairChange } from "../etcd/known-pairs.ts";
import { OutageLog } from "../etcd/outage-log.ts";
import { settledWithin } from "../etcd/settled-within.ts";
import { createWatchCounts, type WatchCounts, watchPrefix } from "../etcd/watch-prefix.ts";
import { ContentChanges } from "./content/content-changes.ts";
import { SettledWatch } from "./content/settled-watch.ts";
import { EtcdObjects } from "./etcd-objects.ts";
import type { Provider, ProviderEvent } from "./provider.ts";

/** Decoded in one turn of the event loop. */
const sliceObjects = 200;
const stopGraceMs = 1_000;
/** What a comparison of all keys costs etcd is small beside what it is for: events lost in years. */
const usualReconcile = { intervalMs: 300_000, settleMs: 5_000 };
/** A file that is missing may come into a folder that is missing too. */
const missingLookMs = 1_000;
/** For what no watch tells: another machine's changes of a shared folder, or a folder far above that was replaced. */
const usualLookMs = 5_000;
/** More stray keys than these help nobody, and each report is sent whole. */
const maximumProblems = 100;

export interface EtcdProviderInit {
  readonly etcd: EtcdConnectionConfig;
  readonly log: Logger;
  /** Quiet time after a change of files that objects name: who writes a file writes it in pieces. */
  readonly settleMs?: number;
  /** How often all keys are compared with what was followed, and how long a change may be on its way. */
  readonly reconcile?: { readonly intervalMs: number; readonly settleMs: number };
}

export class EtcdProvider implements Provider {
  readonly name = "etcd";
  readonly counts: WatchCounts = createWatchCounts();
  readonly #etcd: EtcdConnectionConfig;
  readonly #prefix: string;
  readonly #clients: Readonly<Record<"watch" | "reconcile", EtcdClient>>;
  readonly #reconcile: NonNullable<EtcdProviderInit["reconcile"]>;
  readonly #pairs = new KnownPairs();
  /** Of the newest change below the root. */
  #revision = 0n;
  readonly #objects: EtcdObjects;
  readonly #content = new ContentChanges();
  readonly #files: SettledWatch;
  readonly #outage: OutageLog;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #emit: (event: ProviderEvent) => void = () => {};
  #running: Promise<unknown> = Promise.resolve();
  #phase: "listing" | "decoding" | "following" = "listing";
  /** Objects that changed since the last emission, or while the list was decoded. */
  readonly #touched = new Set<string>();
  #isEmissionDue: boolean = false;
  /** Keys with a leading slash, counted once. */
  #invisible: Diagnostic | undefined;

  constructor({ etcd, log, settleMs = 25, reconcile = usualReconcile }: EtcdProviderInit) {
    this.#etcd = etcd;
    this.#prefix = prefixOf(etcd.rootKey);
    this.#clients = { watch: new EtcdClient(etcd), reconcile: new EtcdClient(etcd) };
    this.#reconcile = reconcile;
    this.#objects = new EtcdObjects(this.#prefix);
    this.#files = new SettledWatch({
      log,
      settleMs,
      onSettled: (folders) => this.#lookAtFiles(folders),
    });
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
        client: this.#clients.watch,
        prefix: this.#prefix,
        pairs: this.#pairs,
        onChanges: (changes, revision) => this.#onChanges(changes, revision),
        onListed: (revision) => {
          this.#revision = revision;
          this.#phase = "decoding";
          afterList.push(this.#emitAll(), this.#countInvisible());
        },
        onUnavailable: (error) => this.#onUnavailable(error),
        onAvailable: () => void this.#outage.recovered(),
        onRepair: (keys) =>
          this.#log.warn("etcd's watch had not told of changed keys, all are read anew", { keys }),
        reconcile: { client: this.#clients.reconcile, ...this.#reconcile },
        counts: this.counts,
      },
      this.#stopping.signal,
    );
    this.#running = watching.then(() => Promise.all(afterList));
  }

  async stop(): Promise<void> {
    this.#emit = () => {};
    this.#stopping.abort();
    this.#files.close();
    await settledWithin(stopGraceMs, this.#running);
    for (const client of Object.values(this.#clients)) client.close();
  }

  #onChanges(pairs: readonly PairChange[], revision: bigint): void {
    this.#revision = revision;
    const { touched, straysChanged } = this.#objects.apply(pairs);
    // Until the list is through an object may be read by half; while the list is decoded changes join it.
    if (this.#phase === "listing") return;
    for (const id of touched) this.#touched.add(id);
    if (this.#phase === "decoding") return;
    if (straysChanged) this.#emitProblems();
    if (this.#isEmissionDue) return;
    this.#isEmissionDue = true;
    // What comes in one turn of the event loop goes on together: one decoding for each object, one digest.
    setImmediate(() => this.#emitTouched());
  }

  #emitTouched(): void {
    this.#isEmissionDue = false;
    const changes = Array.from(this.#touched, (id) => this.#objects.read(id)).flat();
    this.#touched.clear();
    this.#emitChanges(this.#content.take(changes));
  }

  #lookAtFiles(folders: ReadonlySet<string> | undefined): void {
    const changes =
      folders === undefined ? this.#content.lookAtSome() : this.#content.look(folders);
    if (changes.length > 0) this.#emitChanges(changes);
    else this.#followFiles();
  }

  #emitChanges(changes: readonly SourceChange[]): void {
    this.#emit({ kind: "changes", changes, source: this.#source() });
    this.#followFiles();
  }

  /** An etcd that names no file costs nothing here. */
  #followFiles(): void {
    const { folders, isIncomplete } = this.#content;
    this.#files.follow(folders);
    if (isIncomplete) this.#files.lookWithin(missingLookMs);
    else if (folders.length > 0) this.#files.lookWithin(usualLookMs);
  }

  #source(): SourceState {
    return { digest: this.#pairs.digest(), revision: this.#revision };
  }

  /**
   * Decodes in slices and emits at once: when etcd had been out of reach nobody waits for `complete` any more, and a
   * router must not go out before its service.
   */
  async #emitAll(): Promise<void> {
    /** By object; what was read later counts. */
    const read = new Map<string, SourceChange>();
    const readObject = (id: string) => {
      for (const change of this.#content.take(this.#objects.read(id))) {
        read.set(objectId(change.key), change);
      }
    };
    let count = 0;
    for (const id of this.#objects.ids()) {
      readObject(id);
      count += 1;
      if (count % sliceObjects > 0) continue;
      await nextTurn();
      if (this.#stopping.signal.aborted) return;
    }
    for (const id of this.#touched) readObject(id);
    this.#touched.clear();
    this.#phase = "following";
    this.#emitChanges([...read.values()]);
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
