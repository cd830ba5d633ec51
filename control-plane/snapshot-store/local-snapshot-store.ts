/**
 * The snapshot store of a single control plane: one SQLite file in the state directory, a row per resource. A commit is
 * one transaction that writes only what changed, synced before it is reported, so a process killed at any point
 * leaves the old or the new generation, never a part of one. The fleet id and the generation number live in the same
 * row: a number that was handed out is never handed out again.
 *
 * The file is locked while open: a second process on the same state directory fails at `open()`.
 */

import type { Generation } from "../../config-model/snapshot/generation.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { decodeSources, encodeSources } from "../../config-model/snapshot/source-digests-text.ts";
import type { Logger } from "../../foundation/log.ts";
import { SerialQueue } from "../../foundation/serial-queue.ts";
import { TurnSlice } from "../../foundation/turn-slice.ts";
import { type LocalDatabase, openLocalDatabase } from "./local-database.ts";
import { LocalSteps } from "./local-steps.ts";
import {
  type CommitOptions,
  type CommittedGeneration,
  type NoteChange,
  type SnapshotReader,
  type SnapshotStore,
  type StoreHead,
  type StoreNote,
  StoreUnavailableError,
} from "./snapshot-store.ts";

const partBytes = 256 * 1024;
/** Longest turn of reading or writing. */
const sliceMs = 5;
const firstEpoch = 1n;

export interface LocalSnapshotStoreInit {
  /** Path of the database; it and its folder are made when missing, readable by the owner only. */
  readonly file: string;
  readonly log: Logger;
}

type Statement = ReturnType<LocalDatabase["prepare"]>;

interface OpenStore {
  readonly database: LocalDatabase;
  readonly upsert: Statement;
  readonly remove: Statement;
  readonly writeHead: Statement;
  readonly steps: LocalSteps;
  readonly reader: SnapshotReader;
  /** Absent until the reading is over. */
  head: StoreHead | undefined;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "open"; readonly store: OpenStore }
  | { readonly kind: "stopped" };

export class LocalSnapshotStore implements SnapshotStore {
  readonly #init: LocalSnapshotStoreInit;
  /** A reading and commits, one after another: a commit waits for the reader to know what it builds on. */
  readonly #steps = new SerialQueue();
  #state: State = { kind: "idle" };

  constructor(init: LocalSnapshotStoreInit) {
    this.#init = init;
  }

  /** Rejects when the file cannot be used: it is another process's, damaged, or of a newer version. */
  async open(reader: SnapshotReader, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#state.kind !== "idle") {
      throw new Error(`Cannot open snapshot store ${this.#init.file}: it is ${this.#state.kind}`);
    }
    const database = openLocalDatabase(this.#init.file);
    const store: OpenStore = {
      database,
      upsert: database.prepare(
        `INSERT INTO resource (kind, name, hash, payload) VALUES (?, ?, ?, ?)
         ON CONFLICT (kind, name) DO UPDATE SET hash = excluded.hash, payload = excluded.payload`,
      ),
      remove: database.prepare("DELETE FROM resource WHERE kind = ? AND name = ?"),
      writeHead: database.prepare("UPDATE head SET epoch = ?, number = ?, digest = ?, sources = ?"),
      steps: new LocalSteps(database),
      reader,
      head: undefined,
    };
    this.#state = { kind: "open", store };
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    await this.#steps.run(() => this.#read(store));
  }

  onLeadership(onChange: (leading: boolean) => void): void {
    onChange(true);
  }

  async commit(
    delta: SnapshotDelta,
    digest: Uint8Array,
    { sources, at }: CommitOptions = {},
  ): Promise<CommittedGeneration> {
    return await this.#steps.run(async () => {
      const { store, head } = this.#committable();
      const { fleetId } = head;
      const generation: Generation = {
        fleetId,
        epoch: at?.epoch ?? head.generation?.epoch ?? firstEpoch,
        number: at?.number ?? (head.generation?.number ?? 0n) + 1n,
      };
      const commit = { generation, digest, delta, sources: sources ?? head.sources };
      await this.#write(store, commit, at !== undefined);
      store.head = { fleetId, generation, digest, sources: commit.sources };
      store.reader.onCommit(commit);
      return commit;
    });
  }

  async writeNote({ name, from, to }: NoteChange): Promise<boolean> {
    return await this.#steps.run(async () => {
      const { database, reader } = this.#committable().store;
      if (noteText(database, name) !== from) return false;
      if (to === undefined) database.prepare("DELETE FROM note WHERE name = ?").run(name);
      else database.prepare("INSERT OR REPLACE INTO note (name, text) VALUES (?, ?)").run(name, to);
      reader.onNote?.({ name, text: to });
      return true;
    });
  }

  async adoptFleet(fleetId: string): Promise<void> {
    await this.#steps.run(async () => {
      const { store } = this.#committable();
      store.database.prepare("UPDATE head SET fleet_id = ?").run(fleetId);
      store.reader.onReset();
      await this.#read(store);
    });
  }

  /** After the reading or the commit under way. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    await this.#steps.idle();
    if (state.kind === "open") state.store.database.close();
  }

  #committable(): { readonly store: OpenStore; readonly head: StoreHead } {
    const { file } = this.#init;
    if (this.#state.kind !== "open") {
      throw new StoreUnavailableError(
        `Cannot commit to snapshot store ${file}: it is ${this.#state.kind}`,
      );
    }
    const { store } = this.#state;
    if (store.head === undefined) {
      throw new StoreUnavailableError(
        `Cannot commit to snapshot store ${file}: it has not been read`,
      );
    }
    return { store, head: store.head };
  }

  /** A first load of 100,000 resources takes over a second: it is written in slices, other work going on between them. */
  async #write(store: OpenStore, commit: CommittedGeneration, isJump: boolean): Promise<void> {
    const { delta, generation, digest, sources } = commit;
    const { upserts, removals } = delta;
    const { database } = store;
    const slice = new TurnSlice(sliceMs);
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const { kind, name } of removals) {
        store.remove.run(kind, name);
        if (slice.isSpent) await slice.next();
      }
      for (const { kind, name, hash, payload } of upserts) {
        store.upsert.run(kind, name, hash, payload);
        if (slice.isSpent) await slice.next();
      }
      const { epoch, number } = generation;
      store.steps.write(commit, isJump);
      store.writeHead.run(epoch, number, digest, encodeSources(sources));
      database.exec("COMMIT");
    } catch (error) {
      // SQLite has already rolled back after some errors (disk full); a second ROLLBACK would throw.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw new StoreUnavailableError(`Cannot commit to snapshot store ${this.#init.file}`, {
        cause: error,
      });
    }
  }

  async #read(store: OpenStore): Promise<void> {
    let resources: Resource[] = [];
    let bytes = 0;
    const slice = new TurnSlice(sliceMs);
    const rows = store.database.prepare("SELECT kind, name, hash, payload FROM resource");
    for (const row of rows.iterate()) {
      const resource = row as unknown as Resource;
      resources.push(resource);
      bytes += resource.payload.byteLength;
      if (bytes < partBytes) continue;
      store.reader.onPart({ upserts: resources, removals: [] });
      [resources, bytes] = [[], 0];
      if (slice.isSpent) await slice.next();
      if (this.#state.kind === "stopped") return;
    }
    if (resources.length > 0) store.reader.onPart({ upserts: resources, removals: [] });
    for (const row of store.database.prepare("SELECT name, text FROM note").iterate()) {
      store.reader.onNote?.(row as unknown as StoreNote);
    }
    store.head = readHead(store.database);
    store.reader.onHistory?.(store.steps.read(store.head.fleetId));
    store.reader.onHead(store.head);
    const { fleetId, generation } = store.head;
    this.#init.log.info("snapshot store opened", {
      file: this.#init.file,
      fleetId,
      generation: generation?.number ?? 0n,
    });
  }
}

function readHead(database: LocalDatabase): StoreHead {
  const statement = database.prepare("SELECT fleet_id, epoch, number, digest, sources FROM head");
  statement.setReadBigInts(true);
  const row = statement.get() as unknown as {
    readonly fleet_id: string;
    readonly epoch: bigint;
    readonly number: bigint;
    readonly digest: Uint8Array | null;
    readonly sources: string;
  };
  const fleetId = row.fleet_id;
  const sources = decodeSources(row.sources);
  if (row.digest === null) return { fleetId, generation: undefined, digest: undefined, sources };
  const generation = { fleetId, epoch: row.epoch, number: row.number };
  return { fleetId, generation, digest: row.digest, sources };
}

function noteText(database: LocalDatabase, name: string): string | undefined {
  const text = database.prepare("SELECT text FROM note WHERE name = ?").get(name)?.["text"];
  return text === undefined ? undefined : String(text);
}
