/** A digest in values of the log: every commit writes three or four of them, so they are kept short. */
export function digestText(digest: Uint8Array): string {
  return Buffer.from(digest).toString("base64url");
}

const hexDigest = /^[0-9a-f]{64}$/;

/** Also of the log's first format, which wrote hexadecimal digits. */
export function readDigestText(text: string): Buffer {
  return Buffer.from(text, hexDigest.test(text) ? "hex" : "base64url");
}
