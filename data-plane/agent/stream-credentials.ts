import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { parseHostPort } from "../../foundation/format-address.ts";

/** Paths of PEM files. */
export interface StreamTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface StreamSecurity {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** Reads the files each time, so that a certificate replaced on disk is used by the next connection. */
export function streamSecurity(address: string, tls: StreamTls | undefined): StreamSecurity {
  if (tls === undefined) return { credentials: credentials.createInsecure(), options: {} };
  const [ca, key, cert] = [read(tls.caFile), read(tls.keyFile), read(tls.certFile)];
  const host = parseHostPort(address)?.host ?? "";
  if (isIP(host) === 0) return { credentials: credentials.createSsl(ca, key, cert), options: {} };
  // The library gives an address to TLS as server name, which Node refuses. With a name that says nothing in its place
  // the certificate is checked for the address here.
  return {
    credentials: credentials.createSsl(ca, key, cert, {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    }),
    options: { "grpc.ssl_target_name_override": "control-plane.invalid" },
  };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new Error(`Cannot read ${path}: ${code}`, { cause });
  }
}
