interface BasicCredentials {
  /** One character a byte. */
  readonly user: string;
  readonly password: Buffer;
}

/** Not so long that hashing it would be felt; none of a person's is. */
const maxPasswordBytes = 512;

/** Of an Authorization header; absent when it is none of scheme Basic, or malformed. */
export function basicCredentials(authorization: string | undefined): BasicCredentials | undefined {
  if (authorization === undefined || !/^basic /i.test(authorization)) return undefined;
  const encoded = authorization.slice("basic ".length);
  // What `Buffer.from` would pass over must not count as if it were not there.
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  const colon = bytes.indexOf(":");
  if (colon === -1 || bytes.length - colon - 1 > maxPasswordBytes) return undefined;
  return { user: bytes.toString("latin1", 0, colon), password: bytes.subarray(colon + 1) };
}
