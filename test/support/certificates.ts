/** Certificates for tests, made on the spot: ECDSA P-256, valid around now, as PEM. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export class CertificateAuthority {
  readonly cert: Buffer;
  readonly #name: string;
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });

  constructor(name = "Test CA") {
    this.#name = name;
    this.cert = this.#certify(name, this.#keys.publicKey, [
      extension("2.5.29.19", sequence(tlv(0x01, Buffer.from([0xff])))), // basicConstraints: a CA
    ]);
  }

  /** For servers and clients alike; `uris` are further alternative names, `hosts` those instead of this machine's. */
  issue(
    name: string,
    uris: readonly string[] = [],
    hosts: readonly string[] = ["localhost"],
  ): Certificate {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const alternatives = sequence(
      ...hosts.map((host) => tlv(0x82, Buffer.from(host))),
      tlv(0x87, Buffer.from([127, 0, 0, 1])),
      ...uris.map((uri) => tlv(0x86, Buffer.from(uri))),
    );
    return {
      cert: this.#certify(name, publicKey, [extension("2.5.29.17", alternatives)]),
      key: Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })),
    };
  }

  #certify(subject: string, publicKey: KeyObject, extensions: readonly Buffer[]): Buffer {
    const algorithm = sequence(objectId("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256
    const dayMs = 86_400_000;
    const content = sequence(
      tlv(0xa0, integer(Buffer.from([2]))), // version 3
      integer(Buffer.concat([Buffer.of(1), randomBytes(8)])), // serial number
      algorithm,
      commonName(this.#name),
      sequence(utcTime(Date.now() - dayMs), utcTime(Date.now() + dayMs)),
      commonName(subject),
      publicKey.export({ type: "spki", format: "der" }),
      tlv(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", content, this.#keys.privateKey);
    const der = sequence(content, algorithm, tlv(0x03, Buffer.concat([Buffer.of(0), signature])));
    const lines = der.toString("base64").replaceAll(/.{64}/g, "$&\n");
    return Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
  }
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const lengthBytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** `bytes` is a non-negative number, its first byte below 0x80 and, if there are more, not 0. */
function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const encoded = rest.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tlv(0x06, Buffer.from([first * 40 + second, ...encoded]));
}

function commonName(name: string): Buffer {
  const attribute = sequence(objectId("2.5.4.3"), tlv(0x0c, Buffer.from(name)));
  return sequence(tlv(0x31, attribute));
}

function utcTime(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return tlv(0x17, Buffer.from(digits.slice(2)));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), tlv(0x04, value));
}
