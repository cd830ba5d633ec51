/**
 * How Postgres clients ask for TLS: in plain text, and the handshake begins after a `S`. (Newer ones can begin it at once,
 * which is TLS like any other.)
 */
export const sslRequest: Buffer = Buffer.of(0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f);

/** `S`: the handshake may begin. */
export const sslAccepted = 0x53;

/** `partly`: all there is so far is the beginning of one. What no request begins with is known at its first byte. */
export function compareWithSslRequest(bytes: Buffer): "no" | "partly" | "whole" {
  const length = Math.min(bytes.length, sslRequest.length);
  if (bytes.compare(sslRequest, 0, length, 0, length) !== 0) return "no";
  return length === sslRequest.length ? "whole" : "partly";
}
