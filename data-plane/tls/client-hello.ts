/**
 * What a TLS client says first (RFC 8446 §4.1.2), read before the handshake begins: which options the handshake is held
 * with depends on the server name, and the oldest version and client certificates can no longer be changed in it.
 */

/** `incomplete`: more is needed. `malformed`: it is no ClientHello, or an absurdly long one. */
export type ClientHello =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed" }
  /** `serverName`: lower case, without trailing dot; "" when there is none. */
  | { readonly kind: "complete"; readonly serverName: string };

/** The first byte of a TLS connection, and of no HTTP request. */
export const handshakeRecord = 0x16;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const recordHeaderBytes = 5;
const maxRecordBytes = 16_384;
const maxHelloBytes = 65_536;

const incomplete: ClientHello = { kind: "incomplete" };
const malformed: ClientHello = { kind: "malformed" };

export function readClientHello(bytes: Buffer): ClientHello {
  const message = joinRecords(bytes);
  if (message === undefined) return malformed;
  if (message.length > 0 && message[0] !== clientHelloMessage) return malformed;
  if (message.length < 4) return incomplete;
  const length = message.readUIntBE(1, 3);
  if (length > maxHelloBytes) return malformed;
  if (message.length < 4 + length) return incomplete;
  try {
    return { kind: "complete", serverName: serverNameIn(message.subarray(4, 4 + length)) };
  } catch (error) {
    // A length that points beyond its message.
    if (error instanceof RangeError) return malformed;
    throw error;
  }
}

/** The handshake messages so far, without the records around them; undefined: there is something else. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord) return undefined;
    if (at + recordHeaderBytes > bytes.length) break;
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at + 1] !== 3 || length === 0 || length > maxRecordBytes) return undefined;
    const start = at + recordHeaderBytes;
    parts.push(bytes.subarray(start, start + length));
    at = start + length;
  }
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
}

/** Throws `RangeError` when the message ends before its content. */
function serverNameIn(hello: Buffer): string {
  let at = 2 + 32; // version, random
  at += 1 + hello.readUInt8(at); // session
  at += 2 + hello.readUInt16BE(at); // cipher suites
  at += 1 + hello.readUInt8(at); // compression
  if (at === hello.length) return "";
  const end = at + 2 + hello.readUInt16BE(at);
  if (end > hello.length) throw new RangeError("extensions end outside of the message");
  for (at += 2; at < end; ) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    if (type === serverNameExtension) return hostNameIn(hello.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return "";
}

function hostNameIn(extension: Buffer): string {
  const [listBytes, typeBytes] = [2, 1];
  if (extension.readUInt8(listBytes) !== 0) return "";
  const length = extension.readUInt16BE(listBytes + typeBytes);
  const start = listBytes + typeBytes + 2;
  if (start + length > extension.length) throw new RangeError("the name ends outside");
  const name = extension.toString("latin1", start, start + length).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
