/**
 * The newest state of the generation log, as one reader has been told it: every commit once and in order, or, when that
 * cannot be had (what was missed is collected, or the store is another one), a reset and a new reading.
 * Its methods are called one at a time.
 */
import { randomBytes } from "node:crypto";
import type { Resource } from "../../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../../config-model/snapshot/snapshot-delta.ts";
import { TurnSlice } from "../../../foundation/turn-slice.ts";
import type { EtcdClient } from "../../etcd/etcd-client.ts";
import { deltaParts } from "../delta-parts.ts";
import { newFleetId } from "../new-fleet-id.ts";
import type { CommittedGeneration, SnapshotReader } from "../snapshot-store.ts";
import type { LogKeys } from "./log-keys.ts";
import {
  applyDelta,
  commitOf,
  type HeadReading,
  LogGapError,
  readCommits,
  readHead,
  readNotes,
  readState,
} from "./read-log.ts";
import { encodeHead, type StoredHead, storeHead } from "./stored-head.ts";
import { RecordReading } from "./stored-record.ts";

const readerPartBytes = 256 * 1024;
/** Longest turn of taking a commit in, and of handing the state to the reader. */
const sliceMs = 5;

export interface KnownHead {
  readonly head: StoredHead;
  readonly modRevision: bigint;
}

export class FollowedLog {
  readonly #client: EtcdClient;
  readonly #keys: LogKeys;
  readonly #reader: SnapshotReader;
  #known: KnownHead | undefined;
  #state = new Map<string, Resource>();
  /** As the reader has been told. */
  #notes = new Map<string, string>();

  constructor(client: EtcdClient, keys: LogKeys, reader: SnapshotReader) {
    this.#client = client;
    this.#keys = keys;
    this.#reader = reader;
  }

  /** Absent until the first reading is through. */
  get known(): KnownHead | undefined {
    return this.#known;
  }

  get size(): number {
    return this.#state.size;
  }

  /** The resources as they are now; a copy, which later commits leave alone. */
  resources(): Resource[] {
    return [...this.#state.values()];
  }

  /** The resources as `delta` would leave them. */
  resourcesAfter(delta: SnapshotDelta): Resource[] {
    const state = new Map(this.#state);
    applyDelta(state, delta);
    return [...state.values()];
  }

  /**
   * Brings the reader to the newest head, whatever was missed. With `distrust` what is known counts for nothing: the store may
   * hold another history under the same numbers.
   */
  async synchronise(distrust: boolean): Promise<HeadReading> {
    const found = (await readHead(this.#client, this.#keys)) ?? (await this.#create());
    const known = this.#known;
    if (known !== undefined && !distrust && continues(known.head, found.head)) {
      try {
        await this.#catchUp(found);
        this.#tellNotes(await readNotes(this.#client, this.#keys, found.revision));
        return found;
      } catch (error) {
        if (!(error instanceof LogGapError)) throw error;
      }
    }
    await this.#readAll(found);
    return found;
  }

  /** A head seen in the watch, with the values of deltas written in the same transaction. Throws when it cannot be followed. */
  async advance(next: KnownHead, values: readonly Buffer[]): Promise<void> {
    const known = this.#known;
    if (known === undefined || next.modRevision <= known.modRevision) return;
    if (!continues(known.head, next.head)) throw new LogGapError("The snapshot store was replaced");
    if (next.head.number === known.head.number + 1n && values.length > 0) {
      const reading = new RecordReading();
      const changes = values.flatMap((value) => reading.add(value) ?? []);
      await this.accept(commitOf(reading, changes, next.head), next);
    } else {
      await this.#catchUp({ ...next, revision: next.modRevision });
    }
  }

  /** The commit that follows what is known. A large one is taken in within several turns. */
  async accept(commit: CommittedGeneration, known: KnownHead): Promise<void> {
    const slice = new TurnSlice(sliceMs);
    for (const part of deltaParts(commit.delta)) {
      applyDelta(this.#state, part);
      if (slice.isSpent) await slice.next();
    }
    this.#known = known;
    this.#reader.onCommit(commit);
  }

  /** The head is another, its generation is the same. */
  acceptHead(known: KnownHead): void {
    this.#known = known;
  }

  async #catchUp({
    head,
    modRevision,
    revision,
  }: Pick<HeadReading, "head" | "modRevision" | "revision">): Promise<void> {
    const before = this.#known;
    if (before === undefined) return;
    const from = before.head.number + 1n;
    const { fleetId } = head;
    const range = [from, head.number] as const;
    for await (const commit of readCommits(this.#client, this.#keys, range, {
      fleetId,
      revision,
      sources: head.sources,
    })) {
      // Should this end half-way, the head that was known before makes the next attempt go on from here.
      const { epoch, number } = commit.generation;
      const reached = { ...head, epoch, number, digest: commit.digest };
      await this.accept(commit, { head: reached, modRevision: before.modRevision });
    }
    this.#known = { head, modRevision };
  }

  async #readAll(found: HeadReading): Promise<void> {
    const { state, steps } = await readState(this.#client, this.#keys, found);
    const notes = await readNotes(this.#client, this.#keys, found.revision);
    if (this.#known !== undefined) this.#reader.onReset();
    this.#known = undefined;
    this.#state = state;
    const slice = new TurnSlice(sliceMs);
    for (const upserts of partsOf(state.values())) {
      this.#reader.onPart({ upserts, removals: [] });
      if (slice.isSpent) await slice.next();
    }
    this.#notes = new Map();
    this.#tellNotes(notes);
    this.#known = { head: found.head, modRevision: found.modRevision };
    this.#reader.onHistory?.(steps);
    this.#reader.onHead(storeHead(found.head));
  }

  /** A note seen in the watch, or written here. */
  note(name: string, text: string | undefined): void {
    if (this.#known !== undefined && this.#notes.get(name) !== text) this.#tellNote(name, text);
  }

  #tellNotes(notes: ReadonlyMap<string, string>): void {
    for (const name of this.#notes.keys()) {
      if (!notes.has(name)) this.#tellNote(name, undefined);
    }
    for (const [name, text] of notes) {
      if (this.#notes.get(name) !== text) this.#tellNote(name, text);
    }
  }

  #tellNote(name: string, text: string | undefined): void {
    if (text === undefined) this.#notes.delete(name);
    else this.#notes.set(name, text);
    this.#reader.onNote?.({ name, text });
  }

  /** A store without a head is new: whoever comes first gives the fleet its id, the others take it. */
  async #create(): Promise<HeadReading> {
    const head: StoredHead = {
      fleetId: newFleetId(),
      epoch: 1n,
      number: 0n,
      digest: Buffer.alloc(0),
      commitId: newCommitId(),
      base: undefined,
      deltaBytes: 0,
      sources: new Map(),
    };
    await this.#client.transaction({
      compare: [{ key: this.#keys.head, target: "create", revision: 0n }],
      success: [{ kind: "put", key: this.#keys.head, value: encodeHead(head) }],
    });
    const found = await readHead(this.#client, this.#keys);
    if (found === undefined)
      throw new LogGapError("The snapshot store was emptied while it was made");
    return found;
  }
}

export function newCommitId(): string {
  return randomBytes(9).toString("base64url");
}

/** Whether `next` can be reached from `known` by commits. A new epoch begins with a state of its own. */
function continues(known: StoredHead, next: StoredHead): boolean {
  const isSameHistory = known.fleetId === next.fleetId && known.epoch === next.epoch;
  return isSameHistory && known.number <= next.number;
}

function* partsOf(resources: Iterable<Resource>): Generator<Resource[]> {
  let [part, bytes]: [Resource[], number] = [[], 0];
  for (const resource of resources) {
    part.push(resource);
    bytes += resource.payload.byteLength;
    if (bytes < readerPartBytes) continue;
    yield part;
    [part, bytes] = [[], 0];
  }
  if (part.length > 0) yield part;
}
