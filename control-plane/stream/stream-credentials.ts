import { ServerCredentials } from "@grpc/grpc-js";

/** Who may connect. PEM texts. */
export type StreamSecurity =
  /** Only clients with a certificate of `clientCa`. */
  | {
      readonly kind: "mtls";
      readonly cert: Buffer;
      readonly key: Buffer;
      readonly clientCa: Buffer;
    }
  /** Everybody who reaches the address: a Unix socket's mode is then what protects it. */
  | { readonly kind: "insecure" };

export function serverCredentials(security: StreamSecurity): ServerCredentials {
  switch (security.kind) {
    case "mtls": {
      const { cert, key, clientCa } = security;
      return ServerCredentials.createSsl(
        clientCa,
        [{ cert_chain: cert, private_key: key }],
        true, // a client without a certificate of this CA is refused in the handshake
      );
    }
    case "insecure":
      return ServerCredentials.createInsecure();
  }
}
