import { constants, zstdCompressSync } from "node:zlib";
import { Compression, type Hello } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";

/** What a node of this control plane's own version takes; older ones name none. */
export function compressionOf({ compressions }: Pick<Hello, "compressions">): Compression {
  return compressions.includes(Compression.ZSTD) ? Compression.ZSTD : Compression.UNSPECIFIED;
}

export interface ChunkContent {
  readonly changes: Buffer;
  readonly compression: Compression;
  readonly uncompressedBytes: number;
}

/** Below this a frame's own bytes and the time of both ends are worth more than what it saves. */
const worthwhileBytes = 512;

/** `changes` as sent: compressed when the node takes that and it makes them shorter. */
export function chunkContent(changes: Buffer, compression: Compression): ChunkContent {
  const plain = { changes, compression: Compression.UNSPECIFIED, uncompressedBytes: 0 };
  if (compression !== Compression.ZSTD || changes.length < worthwhileBytes) return plain;
  const compressed = zstdCompressSync(changes, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  if (compressed.length >= changes.length) return plain;
  return { changes: compressed, compression, uncompressedBytes: changes.length };
}
