import { bool, degraded, ignored, struct, text, texts } from "../../schema/schema.ts";

/** Text of a certificate or key, or the path of a file with it. */
const keyPair = { certFile: text(), keyFile: text() };

export const tlsCertificateSchema = struct({ ...keyPair, stores: texts() });

export const defaultAlpnProtocols = ["h2", "http/1.1", "acme-tls/1"] as const;

export const tlsOptionsSchema = struct({
  minVersion: text(),
  maxVersion: text(),
  cipherSuites: texts(),
  curvePreferences: texts(),
  clientAuth: struct({ caFiles: texts(), clientAuthType: text() }),
  sniStrict: bool(),
  alpnProtocols: texts(defaultAlpnProtocols),
  disableSessionTickets: bool(),
  preferServerCipherSuites: ignored(bool()),
});

export const tlsStoreSchema = struct({
  defaultCertificate: struct(keyPair),
  // Without a resolver built, the default certificate is one signed by itself.
  defaultGeneratedCert: degraded(
    struct({
      resolver: text(),
      domain: struct({ main: text(), sans: texts() }),
    }),
  ),
});
