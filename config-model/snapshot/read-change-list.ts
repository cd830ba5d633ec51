/**
 * Reads an encoded `ChangeList` without copying: hash and payload are views of the bytes that came. A data plane's agent
 * and its workers read the same shared memory, so a payload is held once however many workers there are; the generated
 * codec would copy it in each. A test compares the two.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** `kind` may be one of a newer version. */
export interface ChangedName {
  readonly kind: number;
  readonly name: string;
}

export interface ChangedResource extends ChangedName {
  readonly hash: Uint8Array;
  readonly payload: Uint8Array;
}

export interface ChangedResources {
  readonly upserts: readonly ChangedResource[];
  readonly removals: readonly ChangedName[];
}

const noBytes = new Uint8Array(0);

/** Throws when the bytes are no such message. Hash and payload are views of `bytes`. */
export function readChangeList(bytes: Uint8Array): ChangedResources {
  const reader = new BinaryReader(bytes);
  const upserts: ChangedResource[] = [];
  const removals: ChangedName[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) upserts.push(readEntry(reader));
    else if (field === 2) removals.push(readEntry(reader));
    else reader.skip(wireType, field);
  }
  return { upserts, removals };
}

/** `ResourceName` is the beginning of `ResourceEntry`. */
function readEntry(reader: BinaryReader): ChangedResource {
  const end = reader.uint32() + reader.pos;
  let kind = 0;
  let name = "";
  let hash: Uint8Array = noBytes;
  let payload: Uint8Array = noBytes;
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === 1) kind = reader.int32();
    else if (field === 2) name = reader.string();
    else if (field === 3) hash = reader.bytes();
    else if (field === 4) payload = reader.bytes();
    else reader.skip(wireType, field);
  }
  return { kind, name, hash, payload };
}
