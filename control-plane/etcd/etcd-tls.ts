import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import type { EtcdConnectionConfig } from "../../config-model/static/static-configuration.ts";
import { EtcdUnavailableError } from "./etcd-error.ts";

type TlsConfig = NonNullable<EtcdConnectionConfig["tls"]>;

/** Content of the PEM files. */
export interface TlsMaterial {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

/** Throws `EtcdUnavailableError` when a file cannot be read: a rotation may be writing it just now. */
export function readTlsMaterial({ ca, cert, key }: TlsConfig): TlsMaterial {
  return { ca: pem(ca), cert: pem(cert), key: pem(key) };
}

export function isSameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return (["ca", "cert", "key"] as const).every(
    (part) => Buffer.compare(a[part] ?? empty, b[part] ?? empty) === 0,
  );
}

const empty = Buffer.alloc(0);

/** Throws `EtcdUnavailableError` when key and certificate do not belong together, as half-way through a rotation. */
export function tlsCredentials(
  endpoint: string,
  { ca, cert, key }: TlsMaterial,
  { insecureSkipVerify }: TlsConfig,
): ChannelCredentials {
  const host = hostOf(endpoint);
  try {
    return credentials.createSsl(ca, key, cert, {
      rejectUnauthorized: !insecureSkipVerify,
      ...(isIP(host) > 0 && {
        checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
      }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EtcdUnavailableError(
      `Cannot connect to etcd: certificate, key or CA cannot be used: ${reason}`,
      { cause: error },
    );
  }
}

/**
 * grpc-js gives the host to TLS as server name, which Node refuses for an address. A name that says nothing stands in its
 * place, and the certificate is checked for the address by `tlsCredentials`.
 */
export function tlsOptions(endpoint: string): ChannelOptions {
  return isIP(hostOf(endpoint)) > 0 ? { "grpc.ssl_target_name_override": "etcd.invalid" } : {};
}

function hostOf(endpoint: string): string {
  return endpoint.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

/** A path, or the text itself, as everywhere in Traefik's configuration. */
function pem(given: string | undefined): Buffer | null {
  if (given === undefined) return null;
  if (given.startsWith("-----BEGIN ")) return Buffer.from(given);
  try {
    return readFileSync(given);
  } catch (error) {
    throw new EtcdUnavailableError(`Cannot connect to etcd: ${given} cannot be read`, {
      cause: error,
    });
  }
}
