import {
  type SourceDigests,
  sourcesFromJson,
} from "../../../config-model/snapshot/source-digests-text.ts";
import type { StoreHead } from "../snapshot-store.ts";
import { digestText, readDigestText } from "./digest-text.ts";
import type { RecordPlace } from "./log-keys.ts";

/** The one key that decides which records count: it is replaced in the transaction that ends a commit. */
export interface StoredHead {
  readonly fleetId: string;
  readonly epoch: bigint;
  /** 0: nothing has been committed. */
  readonly number: bigint;
  readonly digest: Uint8Array;
  /** Random, of the commit that wrote it: tells a writer whose answer was lost whether this is its own. */
  readonly commitId: string;
  /** Where a reading begins; absent: with the first delta. */
  readonly base: StoredBase | undefined;
  /** Of the deltas after the base. */
  readonly deltaBytes: number;
  readonly sources: SourceDigests;
}

interface StoredBase {
  readonly place: RecordPlace;
  readonly number: bigint;
  readonly bytes: number;
}

const formatVersion = 2;
/** Digests were longer, and those of sources had names. */
const firstFormatVersion = 1;

/** JSON, so that an operator with etcdctl can read it. */
export function encodeHead({ digest, epoch, number, base, sources, ...rest }: StoredHead): Buffer {
  return Buffer.from(
    JSON.stringify({
      version: formatVersion,
      epoch: epoch.toString(),
      number: number.toString(),
      digest: digestText(digest),
      base: base && { ...base, number: base.number.toString() },
      ...(sources.size > 0 && { sources: storedSources(sources) }),
      ...rest,
    }),
  );
}

/** Throws when the head is none, or one of a version that is not known here. */
export function decodeHead(value: Uint8Array): StoredHead {
  const stored = JSON.parse(Buffer.from(value).toString());
  if (stored.version !== formatVersion && stored.version !== firstFormatVersion) {
    throw new Error(
      `Cannot read the snapshot store: its format is ${stored.version}, known is ${formatVersion}`,
    );
  }
  const { fleetId, commitId, deltaBytes, base } = stored;
  return {
    fleetId,
    commitId,
    deltaBytes,
    epoch: BigInt(stored.epoch),
    number: BigInt(stored.number),
    digest: readDigestText(stored.digest),
    base: base && { place: base.place, number: BigInt(base.number), bytes: base.bytes },
    sources:
      stored.version === firstFormatVersion
        ? sourcesFromJson(stored.sources)
        : readSources(stored.sources ?? {}),
  };
}

type StoredSources = Readonly<Record<string, readonly [digest: string, revision?: string]>>;

function storedSources(sources: SourceDigests): StoredSources {
  return Object.fromEntries(
    [...sources].map(([provider, { digest, revision }]) => [
      provider,
      revision === undefined ? [digestText(digest)] : [digestText(digest), revision.toString()],
    ]),
  );
}

function readSources(stored: StoredSources): SourceDigests {
  return new Map(
    Object.entries(stored).map(([provider, [digest, revision]]) => [
      provider,
      {
        digest: readDigestText(digest),
        ...(revision !== undefined && { revision: BigInt(revision) }),
      },
    ]),
  );
}

export function storeHead({ fleetId, epoch, number, digest, sources }: StoredHead): StoreHead {
  if (number === 0n) return { fleetId, generation: undefined, digest: undefined, sources };
  return { fleetId, generation: { fleetId, epoch, number }, digest, sources };
}
