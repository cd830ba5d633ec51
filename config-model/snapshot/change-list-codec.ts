/**
 * Deltas as encoded `ChangeList`s (proto/switchyard/fleet/v1/fleet.proto) and back. Encoding is planned first and done
 * part by part when a part is asked for: nothing holds a whole encoded snapshot. A part is copied together from bytes
 * that exist (name, hash, payload); no payload is looked into.
 */
import { hash } from "node:crypto";
import { ChangeList } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { Resource, ResourceKey } from "./resource.ts";
import type { SnapshotDelta } from "./snapshot-delta.ts";

/** In the middle of 64 to 256 KiB: large enough to be cheap, small enough that no loop stalls for one. */
const defaultPartBytes = 128 * 1024;

/** A part cannot be read, or a payload is not what its hash says. */
class ChangeListError extends Error {
  override readonly name = "ChangeListError";
}

interface Part {
  readonly upserts: readonly [from: number, to: number];
  readonly removals: readonly [from: number, to: number];
  readonly bytes: number;
}

/** A delta cut into parts of about `partBytes`, between resources; one resource that is larger makes a part of its own. */
export class ChangeListParts {
  readonly #delta: SnapshotDelta;
  readonly #parts: readonly Part[];

  constructor(delta: SnapshotDelta, partBytes: number = defaultPartBytes) {
    this.#delta = delta;
    this.#parts = planParts(delta, partBytes);
  }

  /** 0 for a delta without changes. */
  get count(): number {
    return this.#parts.length;
  }

  encode(index: number): Buffer {
    const part = this.#parts[index];
    if (part === undefined) {
      throw new RangeError(`Cannot encode part ${index}: there are ${this.count}`);
    }
    const out = new FieldWriter(part.bytes);
    for (let at = part.upserts[0]; at < part.upserts[1]; at++) {
      const resource = this.#delta.upserts[at];
      if (resource !== undefined) writeUpsert(out, resource);
    }
    for (let at = part.removals[0]; at < part.removals[1]; at++) {
      const key = this.#delta.removals[at];
      if (key !== undefined) writeRemoval(out, key);
    }
    return out.buffer;
  }

  *[Symbol.iterator](): Generator<Buffer> {
    for (let index = 0; index < this.count; index++) yield this.encode(index);
  }
}

/** Throws `ChangeListError`. Every payload has been checked against its hash. */
export function decodeChangeList(bytes: Uint8Array): SnapshotDelta {
  const { upserts, removals } = parse(bytes);
  for (const key of upserts) checkKey(key);
  for (const key of removals) checkKey(key);
  for (const resource of upserts) {
    if (!hash("sha256", resource.payload, "buffer").equals(resource.hash)) {
      throw new ChangeListError(
        `Cannot use resource "${resource.name}": its payload does not match its hash`,
      );
    }
  }
  return { upserts, removals };
}

function parse(bytes: Uint8Array): ChangeList {
  try {
    return ChangeList.decode(bytes);
  } catch (cause) {
    throw new ChangeListError("Cannot read change list: it is not a valid message", { cause });
  }
}

/** A kind of a newer version is kept as it is; one that no digest can be made of is not. */
function checkKey({ kind, name }: ResourceKey): void {
  if (kind < 1 || kind > 0xffff) {
    throw new ChangeListError(`Cannot use resource "${name}": ${kind} is no resource kind`);
  }
}

function planParts(delta: SnapshotDelta, partBytes: number): Part[] {
  const parts: Part[] = [];
  let [upsert, removal] = [0, 0];
  while (upsert < delta.upserts.length || removal < delta.removals.length) {
    const [firstUpsert, firstRemoval] = [upsert, removal];
    let bytes = 0;
    const fits = (size: number) => {
      if (bytes > 0 && bytes + size > partBytes) return false;
      bytes += size;
      return true;
    };
    for (; upsert < delta.upserts.length; upsert++) {
      const resource = delta.upserts[upsert];
      if (resource !== undefined && !fits(framed(upsertBytes(resource)))) break;
    }
    if (upsert === delta.upserts.length) {
      for (; removal < delta.removals.length; removal++) {
        const key = delta.removals[removal];
        if (key !== undefined && !fits(framed(keyBytes(key)))) break;
      }
    }
    parts.push({ upserts: [firstUpsert, upsert], removals: [firstRemoval, removal], bytes });
  }
  return parts;
}

// Field numbers and wire types of ChangeList, ResourceEntry and ResourceName; a test compares with the generated codec.
const tags = { upsert: 0x0a, removal: 0x12, kind: 0x08, name: 0x12, hash: 0x1a, payload: 0x22 };

function writeUpsert(out: FieldWriter, resource: Resource): void {
  out.varint(tags.upsert, upsertBytes(resource));
  writeKey(out, resource);
  if (resource.hash.length > 0) out.bytes(tags.hash, resource.hash);
  if (resource.payload.length > 0) out.bytes(tags.payload, resource.payload);
}

function writeRemoval(out: FieldWriter, key: ResourceKey): void {
  out.varint(tags.removal, keyBytes(key));
  writeKey(out, key);
}

function writeKey(out: FieldWriter, { kind, name }: ResourceKey): void {
  out.varint(tags.kind, kind);
  if (name.length > 0) out.text(tags.name, name);
}

function upsertBytes(resource: Resource): number {
  const { hash: digest, payload } = resource;
  return keyBytes(resource) + optional(digest.length) + optional(payload.length);
}

function keyBytes({ kind, name }: ResourceKey): number {
  return 1 + varintBytes(kind) + optional(Buffer.byteLength(name));
}

/** Tag, length and content; nothing for empty content, which is the default value. */
function optional(length: number): number {
  return length === 0 ? 0 : framed(length);
}

function framed(length: number): number {
  return 1 + varintBytes(length) + length;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}

/** Fills a buffer of exactly the planned size. */
class FieldWriter {
  readonly buffer: Buffer;
  #at = 0;

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  varint(tag: number, value: number): void {
    this.buffer[this.#at++] = tag;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.buffer[this.#at++] = (rest & 0x7f) | 0x80;
    this.buffer[this.#at++] = rest;
  }

  bytes(tag: number, value: Uint8Array): void {
    this.varint(tag, value.length);
    this.buffer.set(value, this.#at);
    this.#at += value.length;
  }

  text(tag: number, value: string): void {
    this.varint(tag, Buffer.byteLength(value));
    this.#at += this.buffer.write(value, this.#at, "utf8");
  }
}
