import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import type { EtcdConnectionConfig } from "../../config-model/static/static-configuration.ts";
import { EtcdUnavailableError } from "./etcd-error.ts";

/** Throws `EtcdUnavailableError` when a file cannot be read: a rotation may be writing it just now. */
export function tlsCredentials(
  endpoint: string,
  { ca, cert, key, insecureSkipVerify }: NonNullable<EtcdConnectionConfig["tls"]>,
): ChannelCredentials {
  const host = hostOf(endpoint);
  return credentials.createSsl(pem(ca), pem(key), pem(cert), {
    rejectUnauthorized: !insecureSkipVerify,
    ...(isIP(host) > 0 && {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    }),
  });
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
