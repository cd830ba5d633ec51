/** The digest of docs/protocol.md, written from that page alone: what the product computes is compared with it. */
import { createHash } from "node:crypto";

interface PlainResource {
  readonly kind: number;
  readonly name: string;
  readonly payload: Uint8Array;
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest();
}

export function plainDigest(resources: Iterable<PlainResource>): string {
  const buckets: Buffer[][] = Array.from({ length: 4_096 }, () => []);
  for (const { kind, name, payload } of resources) {
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16BE(kind);
    const text = Buffer.from(name, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    const bucket = sha256(prefix, text).readUInt16BE(0) >> 4;
    buckets[bucket]?.push(sha256(prefix, length, text, sha256(payload)));
  }
  const empty = sha256();
  const hashes = buckets.map((leaves) =>
    leaves.length === 0 ? empty : sha256(...leaves.toSorted(Buffer.compare)),
  );
  return sha256(Buffer.concat(hashes)).toString("hex");
}
