import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { bitString, commonName, objectIdentifier, sequence, tagged, utcTime } from "./der.ts";

export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

const dayMs = 86_400_000;
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";
const subject = "SWITCHYARD DEFAULT CERT";

/**
 * What is shown where no certificate covers a name and no default one is configured: signed by itself, so that no client
 * trusts it, and good for a year. Its key never leaves the thread that made it.
 */
export function makeDefaultCertificate(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(objectIdentifier(ecdsaWithSha256));
  const name = commonName(subject);
  const nowMs = Date.now();
  const content = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))), // version 3
    tagged(0x02, Buffer.of(1), randomBytes(8)), // serial number, positive
    algorithm,
    name,
    sequence(utcTime(nowMs - dayMs), utcTime(nowMs + 365 * dayMs)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("sha256", content, privateKey);
  const der = sequence(content, algorithm, bitString(signature));
  const lines = der.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    certPem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
