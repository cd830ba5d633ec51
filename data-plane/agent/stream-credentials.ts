import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/** Paths of PEM files. */
export interface StreamTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Reads the files each time, so that a certificate replaced on disk is used by the next connection. */
export function streamCredentials(tls: StreamTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { caFile, certFile, keyFile } = tls;
  return credentials.createSsl(read(caFile), read(keyFile), read(certFile));
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new Error(`Cannot read ${path}: ${code}`, { cause });
  }
}
