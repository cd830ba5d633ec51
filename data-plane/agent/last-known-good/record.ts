/**
 * Records of the files of last-known-good: length, CRC-32 and content, the first byte of which says what it is. Whatever
 * a crash or a bad disk left behind, reading stops at the first record that is not whole.
 */
import { crc32 } from "node:zlib";

export const recordType = { baseHead: 1, part: 2, baseEnd: 3, deltaHead: 4, confirmed: 5 } as const;

export type RecordType = (typeof recordType)[keyof typeof recordType];

const frameBytes = 8;

export function encodeRecord(type: RecordType, content: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(frameBytes + 1 + content.byteLength);
  record[frameBytes] = type;
  record.set(content, frameBytes + 1);
  record.writeUInt32BE(content.byteLength + 1, 0);
  record.writeUInt32BE(crc32(record.subarray(frameBytes)), 4);
  return record;
}

export function* readRecords(
  bytes: Uint8Array,
): Generator<{ readonly type: number; readonly content: Uint8Array }> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + frameBytes < buffer.length; ) {
    const end = at + frameBytes + buffer.readUInt32BE(at);
    const body = buffer.subarray(at + frameBytes, end);
    // A length of zero is what a file that was extended and never written holds.
    if (end > buffer.length || body.length === 0) return;
    if (crc32(body) !== buffer.readUInt32BE(at + 4)) return;
    yield { type: body[0] ?? 0, content: body.subarray(1) };
    at = end;
  }
}
