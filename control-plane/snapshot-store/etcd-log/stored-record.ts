/**
 * A delta, or a whole state as a delta from nothing, as values for etcd. Value layout: one byte, then content. The byte says
 * whether the content goes on in the next value (a part larger than a value may be) or ends here. The first content
 * begins with a header: its length in four bytes, then JSON; all contents then hold change lists.
 */
import {
  ChangeListParts,
  decodeChangeList,
} from "../../../config-model/snapshot/change-list-codec.ts";
import type { SnapshotDelta } from "../../../config-model/snapshot/snapshot-delta.ts";
import { digestText, readDigestText } from "./digest-text.ts";

/** Two of them fit a request of etcd (1.5 MiB) with room for the head. */
const valueBytes = 512 * 1024;
const partBytes = valueBytes - 4_096;

const goesOn = 1;
const endsHere = 0;

export interface RecordHeader {
  readonly epoch: bigint;
  readonly number: bigint;
  readonly digest: Uint8Array;
  /** As in the head that made it count. */
  readonly commitId: string;
}

/** Values in order of their index, encoded as they are asked for. */
export function* encodeRecord(header: RecordHeader, delta: SnapshotDelta): Generator<Buffer> {
  const parts = new ChangeListParts(delta, partBytes);
  const first = encodeHeader(header, parts.count);
  if (parts.count === 0) yield* valuesOf(first);
  for (let index = 0; index < parts.count; index++) {
    const part = parts.encode(index);
    yield* valuesOf(index === 0 ? Buffer.concat([first, part]) : part);
  }
}

function* valuesOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += valueBytes) {
    const end = at + valueBytes;
    const mark = end < content.length ? goesOn : endsHere;
    yield Buffer.concat([Buffer.of(mark), content.subarray(at, end)]);
  }
}

function encodeHeader({ epoch, number, digest, commitId }: RecordHeader, parts: number): Buffer {
  const fields = [epoch.toString(), number.toString(), digestText(digest), commitId, parts];
  const json = JSON.stringify(fields);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, Buffer.from(json)]);
}

type HeaderFields = readonly [
  epoch: string,
  number: string,
  digest: string,
  commitId: string,
  parts: number,
];

/** The first format named them. */
interface NamedFields {
  readonly epoch: string;
  readonly number: string;
  readonly digest: string;
  readonly commitId: string;
  readonly parts: number;
}

function headerFields(stored: HeaderFields | NamedFields): HeaderFields {
  if ("epoch" in stored) {
    const { epoch, number, digest, commitId, parts } = stored;
    return [epoch, number, digest, commitId, parts];
  }
  return stored;
}

/** Takes a record's values in order and gives what they hold. */
export class RecordReading {
  #pieces: Buffer[] = [];
  #header: (RecordHeader & { readonly parts: number }) | undefined;
  #read = 0;

  get header(): RecordHeader | undefined {
    return this.#header;
  }

  get isWhole(): boolean {
    return this.#header !== undefined && this.#read >= this.#header.parts;
  }

  /** Values after the record is whole are left-overs of another attempt, and ignored. */
  add(value: Buffer): SnapshotDelta | undefined {
    if (this.isWhole) return undefined;
    this.#pieces.push(value.subarray(1));
    if (value[0] === goesOn) return undefined;
    const content = this.#pieces.length === 1 ? value.subarray(1) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    const changes = this.#header === undefined ? this.#takeHeader(content) : content;
    this.#read += 1;
    return decodeChangeList(changes);
  }

  #takeHeader(content: Buffer): Buffer {
    const end = 4 + content.readUInt32BE(0);
    const [epoch, number, digest, commitId, parts] = headerFields(
      JSON.parse(content.toString("utf8", 4, end)),
    );
    this.#header = {
      epoch: BigInt(epoch),
      number: BigInt(number),
      digest: readDigestText(digest),
      commitId,
      parts,
    };
    return content.subarray(end);
  }
}
