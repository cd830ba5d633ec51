/** A range of keys, `end` exclusive; without `end` the one key `start`. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer | undefined;
}

export function oneKey(key: string): KeyRange {
  return { start: Buffer.from(key), end: undefined };
}

/** All keys that begin with `prefix`; every key when it is empty. */
export function prefixRange(prefix: string): KeyRange {
  if (prefix === "") return { start: Buffer.of(0), end: Buffer.of(0) };
  const start = Buffer.from(prefix);
  return { start, end: successor(start) };
}

/** Keys from `from` up to, not including, `to`. */
export function keysBetween(from: string, to: string): KeyRange {
  return { start: Buffer.from(from), end: Buffer.from(to) };
}

/** First key after every key that begins with `prefix`; "\0" means "to the end" to etcd. */
function successor(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 0;
    if (byte === 0xff) continue;
    end[i] = byte + 1;
    return end.subarray(0, i + 1);
  }
  return Buffer.from([0]);
}
