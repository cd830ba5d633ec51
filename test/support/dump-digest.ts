/**
 * The source digest of docs/protocol.md, computed the long way from a plain dump and without product code: the oracle of
 * tests, and a program.
 *
 *     etcdctl get --prefix traefik/ -w json | node test/support/dump-digest.ts
 */
import { createHash } from "node:crypto";

const H = (...parts: readonly (Uint8Array | string)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export function dumpDigest(dump: Iterable<readonly [Uint8Array | string, Uint8Array | string]>) {
  const buckets: Buffer[][] = Array.from({ length: 4096 }, () => []);
  for (const [key, value] of dump) {
    buckets[H(key).readUInt16BE() >> 4]?.push(H(key, "\0", H(value)));
  }
  const hashes = buckets.map((leaves) => H(...leaves.sort(Buffer.compare)));
  return H(...hashes).toString("hex");
}

if (import.meta.main) {
  let json = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) json += chunk;
  const pairs: readonly { key: string; value?: string }[] = JSON.parse(json).kvs ?? [];
  const bytes = (base64 = "") => Buffer.from(base64, "base64");
  process.stdout.write(
    `${dumpDigest(pairs.map(({ key, value }) => [bytes(key), bytes(value)]))}\n`,
  );
}
