/**
 * What a TLS client says first (RFC 8446 §4.1.2), read before the handshake begins: which options the handshake is held
 * with depends on the server name, and the oldest version and client certificates can no longer be changed in it.
 */
import { GrowingBuffer } from "../../foundation/growing-buffer.ts";

/** `incomplete`: more is needed. `malformed`: it is no ClientHello, or an absurdly long one. */
export type ClientHello =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed" }
  | ({ readonly kind: "complete" } & HelloFacts);

export interface HelloFacts {
  /** Lower case, without trailing dot; "" when there is none. */
  readonly serverName: string;
  /** What the client offers, in its order. */
  readonly alpnProtocols: readonly string[];
}

/** The first byte of a TLS connection, and of no HTTP request. */
export const handshakeRecord = 0x16;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const alpnExtension = 16;
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
const maxRecordBytes = 16_384;
const maxHelloBytes = 65_536;
/** With the headers of its records: one that is cut into tiny ones is kept only so long. */
const maxReadBytes = 2 * maxHelloBytes;

const incomplete: ClientHello = { kind: "incomplete" };
const malformed: ClientHello = { kind: "malformed" };

/** Takes it in as it comes: every byte is looked at once, however many segments and records there are. */
export class ClientHelloReader {
  readonly #recordHeader = Buffer.alloc(recordHeaderBytes);
  #recordHeaderLength = 0;
  #recordBytesLeft = 0;
  /** The handshake message so far, without the records around it. */
  readonly #message = new GrowingBuffer();
  #readBytes = 0;

  /** What follows the bytes before. Nothing may follow an answer other than `incomplete`. */
  push(bytes: Buffer): ClientHello {
    this.#readBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      if (this.#recordBytesLeft === 0) {
        if (!this.#takeHeaderByte(bytes.readUInt8(at))) return malformed;
        at += 1;
        continue;
      }
      const part = bytes.subarray(at, at + this.#recordBytesLeft);
      this.#message.append(part);
      this.#recordBytesLeft -= part.length;
      at += part.length;
      const hello = this.#readMessage();
      if (hello.kind !== "incomplete") return hello;
    }
    return this.#readBytes > maxReadBytes ? malformed : incomplete;
  }

  /** False: it is none of a handshake record. */
  #takeHeaderByte(byte: number): boolean {
    const header = this.#recordHeader;
    const at = this.#recordHeaderLength;
    header[at] = byte;
    if (at === 0 && byte !== handshakeRecord) return false;
    if (at === 1 && byte !== 3) return false;
    this.#recordHeaderLength += 1;
    if (this.#recordHeaderLength < recordHeaderBytes) return true;
    this.#recordHeaderLength = 0;
    this.#recordBytesLeft = header.readUInt16BE(3);
    return this.#recordBytesLeft > 0 && this.#recordBytesLeft <= maxRecordBytes;
  }

  #readMessage(): ClientHello {
    const message = this.#message.bytes;
    if (message[0] !== clientHelloMessage) return malformed;
    if (message.length < messageHeaderBytes) return incomplete;
    const length = message.readUIntBE(1, 3);
    if (length > maxHelloBytes) return malformed;
    if (message.length < messageHeaderBytes + length) return incomplete;
    try {
      const hello = message.subarray(messageHeaderBytes, messageHeaderBytes + length);
      return { kind: "complete", ...factsIn(hello) };
    } catch (error) {
      // A length that points beyond its message.
      if (error instanceof RangeError) return malformed;
      throw error;
    }
  }
}

/** Throws `RangeError` when the message ends before its content. */
function factsIn(hello: Buffer): HelloFacts {
  let serverName: string | undefined;
  let alpnProtocols: readonly string[] | undefined;
  let at = 2 + 32; // version, random
  at += 1 + hello.readUInt8(at); // session
  at += 2 + hello.readUInt16BE(at); // cipher suites
  at += 1 + hello.readUInt8(at); // compression
  if (at === hello.length) return { serverName: "", alpnProtocols: [] };
  const end = at + 2 + hello.readUInt16BE(at);
  if (end > hello.length) throw new RangeError("extensions end outside of the message");
  for (at += 2; at < end; ) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    const content = hello.subarray(at + 4, at + 4 + length);
    if (type === serverNameExtension) serverName ??= hostNameIn(content);
    if (type === alpnExtension) alpnProtocols ??= protocolsIn(content);
    at += 4 + length;
  }
  return { serverName: serverName ?? "", alpnProtocols: alpnProtocols ?? [] };
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

function protocolsIn(extension: Buffer): readonly string[] {
  const protocols: string[] = [];
  const end = 2 + extension.readUInt16BE(0);
  if (end > extension.length) throw new RangeError("the protocols end outside");
  for (let at = 2; at < end; ) {
    const length = extension.readUInt8(at);
    if (at + 1 + length > end) throw new RangeError("a protocol ends outside");
    protocols.push(extension.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return protocols;
}
