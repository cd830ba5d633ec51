import {
  type SourceDigests,
  sourcesAsJson,
  sourcesFromJson,
} from "../../../config-model/snapshot/source-digests-text.ts";
import type { StoreHead } from "../snapshot-store.ts";
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

const formatVersion = 1;

/** JSON, so that an operator with etcdctl can read it. */
export function encodeHead({ digest, epoch, number, base, sources, ...rest }: StoredHead): Buffer {
  return Buffer.from(
    JSON.stringify({
      version: formatVersion,
      epoch: epoch.toString(),
      number: number.toString(),
      digest: Buffer.from(digest).toString("hex"),
      base: base && { ...base, number: base.number.toString() },
      ...(sources.size > 0 && { sources: sourcesAsJson(sources) }),
      ...rest,
    }),
  );
}

/** Throws when the head is none, or one of a version that is not known here. */
export function decodeHead(value: Uint8Array): StoredHead {
  const stored = JSON.parse(Buffer.from(value).toString());
  if (stored.version !== formatVersion) {
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
    digest: Buffer.from(stored.digest, "hex"),
    base: base && { place: base.place, number: BigInt(base.number), bytes: base.bytes },
    sources: sourcesFromJson(stored.sources ?? {}),
  };
}

export function storeHead({ fleetId, epoch, number, digest, sources }: StoredHead): StoreHead {
  if (number === 0n) return { fleetId, generation: undefined, digest: undefined, sources };
  return { fleetId, generation: { fleetId, epoch, number }, digest, sources };
}
