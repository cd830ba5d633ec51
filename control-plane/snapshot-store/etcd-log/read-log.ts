/** Readings of the generation log, each at one revision of etcd, so that no writer can change what is being read. */
import { type Resource, resourceId } from "../../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../../config-model/snapshot/snapshot-delta.ts";
import type { SourceDigests } from "../../../config-model/snapshot/source-digests-text.ts";
import { TurnSlice } from "../../../foundation/turn-slice.ts";
import type { EtcdClient } from "../../etcd/etcd-client.ts";
import { oneKey, prefixRange } from "../../etcd/key-range.ts";
import { listRange } from "../../etcd/list-range.ts";
import type { CommittedGeneration, PastStep } from "../snapshot-store.ts";
import type { LogKeys, RecordPlace } from "./log-keys.ts";
import { decodeHead, type StoredHead } from "./stored-head.ts";
import { RecordReading } from "./stored-record.ts";

/** A record is not there, or by half: it was collected, or somebody deleted it. */
export class LogGapError extends Error {
  override readonly name = "LogGapError";
}

export interface HeadReading {
  readonly head: StoredHead;
  /** Of the head key: what a writer must find unchanged. */
  readonly modRevision: bigint;
  /** Of the store: what the rest is read at. */
  readonly revision: bigint;
  readonly clusterId: string;
}

export async function readHead(
  client: EtcdClient,
  keys: LogKeys,
): Promise<HeadReading | undefined> {
  const { pairs, revision, clusterId } = await client.range(oneKey(keys.head));
  const [pair] = pairs;
  if (pair === undefined) return undefined;
  return {
    head: decodeHead(pair.value),
    modRevision: BigInt(pair.modRevision),
    revision,
    clusterId,
  };
}

/** All notes at one revision, text by name. */
export async function readNotes(
  client: EtcdClient,
  keys: LogKeys,
  revision: bigint,
): Promise<Map<string, string>> {
  const notes = new Map<string, string>();
  const pages = listRange(client, prefixRange(keys.notes), { revision, firstLimit: 1 });
  for await (const { pairs } of pages) {
    for (const { key, value } of pairs) {
      notes.set(keys.noteName(key.toString()) ?? "", value.toString());
    }
  }
  return notes;
}

/** A state, and what led to it since its base. */
interface StateReading {
  /** By resource id. */
  readonly state: Map<string, Resource>;
  readonly steps: readonly PastStep[];
}

/** The state at the head. */
export async function readState(
  client: EtcdClient,
  keys: LogKeys,
  { head, revision }: HeadReading,
): Promise<StateReading> {
  const state = new Map<string, Resource>();
  const steps: PastStep[] = [];
  const { base, fleetId } = head;
  if (base !== undefined) {
    const found = readRecords(client, keys, base.place, base.number, base.number, revision);
    for await (const { reading, changes } of found) {
      steps.push(...stepOf(reading, [], fleetId));
      for (const delta of changes) applyDelta(state, delta);
    }
  }
  const first = (base?.number ?? 0n) + 1n;
  const deltas = readRecords(client, keys, "delta", first, head.number, revision);
  for await (const { reading, changes } of deltas) {
    steps.push(...stepOf(reading, changes, fleetId));
    for (const delta of changes) applyDelta(state, delta);
  }
  return { state, steps };
}

/** Names only: what they named is in the state. */
function stepOf(
  { header }: RecordReading,
  changes: readonly SnapshotDelta[],
  fleetId: string,
): PastStep[] {
  if (header === undefined) return [];
  const { epoch, number, digest } = header;
  const keys = changes.flatMap(({ upserts, removals }) =>
    [...upserts, ...removals].map(({ kind, name }) => ({ kind, name })),
  );
  return [{ generation: { fleetId, epoch, number }, digest, keys }];
}

/** The commits from `first` to `last`, in order, none missing. */
export async function* readCommits(
  client: EtcdClient,
  keys: LogKeys,
  [first, last]: readonly [bigint, bigint],
  at: { readonly fleetId: string; readonly revision: bigint; readonly sources: SourceDigests },
): AsyncGenerator<CommittedGeneration> {
  const records = readRecords(client, keys, "delta", first, last, at.revision);
  for await (const { reading, changes } of records) {
    yield commitOf(reading, changes, at);
  }
}

/** Throws `LogGapError` when the record is not whole. */
export function commitOf(
  reading: RecordReading,
  changes: readonly SnapshotDelta[],
  { fleetId, sources }: { readonly fleetId: string; readonly sources: SourceDigests },
): CommittedGeneration {
  const { header, isWhole } = reading;
  if (header === undefined || !isWhole) {
    throw new LogGapError("Cannot read a generation: a part of it is missing");
  }
  return {
    generation: { fleetId, epoch: header.epoch, number: header.number },
    digest: header.digest,
    delta: {
      upserts: changes.flatMap(({ upserts }) => upserts),
      removals: changes.flatMap(({ removals }) => removals),
    },
    sources,
  };
}

export function applyDelta(
  state: Map<string, Resource>,
  { upserts, removals }: SnapshotDelta,
): void {
  for (const removal of removals) state.delete(resourceId(removal));
  for (const upserted of upserts) state.set(resourceId(upserted), upserted);
}

/** Values are up to 512 KiB each. */
const firstLimit = 4;
/** Longest turn of decoding. */
const sliceMs = 5;

interface ReadRecord {
  readonly reading: RecordReading;
  readonly changes: readonly SnapshotDelta[];
}

async function* readRecords(
  client: EtcdClient,
  keys: LogKeys,
  place: RecordPlace,
  first: bigint,
  last: bigint,
  revision: bigint,
): AsyncGenerator<ReadRecord> {
  if (first > last) return;
  let number = first;
  let reading = new RecordReading();
  let changes: SnapshotDelta[] = [];
  const slice = new TurnSlice(sliceMs);
  const range = keys.records(place, first, last + 1n);
  for await (const page of listRange(client, range, { revision, firstLimit })) {
    for (const { key, value } of page.pairs) {
      if (slice.isSpent) await slice.next();
      const found = keys.recordNumber(key.toString());
      if (found !== number) {
        yield whole(reading, changes, number);
        [number, reading, changes] = [number + 1n, new RecordReading(), []];
        if (found !== number) throw gap(number);
      }
      const change = reading.add(value);
      if (change !== undefined) changes.push(change);
    }
  }
  if (number !== last) throw gap(number + 1n);
  yield whole(reading, changes, number);
}

function whole(
  reading: RecordReading,
  changes: readonly SnapshotDelta[],
  number: bigint,
): ReadRecord {
  if (!reading.isWhole) throw gap(number);
  return { reading, changes };
}

function gap(number: bigint): LogGapError {
  return new LogGapError(`Cannot read generation ${number}: it is not in the snapshot store`);
}
