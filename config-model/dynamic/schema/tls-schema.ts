import { bool, closed, struct, text, texts } from "../../schema/schema.ts";

/** Text of a certificate or key, or the path of a file with it. */
const keyPair = { certFile: text(), keyFile: text() };

export const tlsCertificateSchema = closed(struct({ ...keyPair, stores: texts() }));

export const tlsOptionsSchema = closed(
  struct({
    minVersion: text(),
    maxVersion: text(),
    cipherSuites: texts(),
    curvePreferences: texts(),
    clientAuth: struct({ caFiles: texts(), clientAuthType: text() }),
    sniStrict: bool(),
    alpnProtocols: texts(["h2", "http/1.1", "acme-tls/1"]),
    disableSessionTickets: bool(),
    preferServerCipherSuites: bool(),
  }),
);

export const tlsStoreSchema = closed(
  struct({
    defaultCertificate: struct(keyPair),
    defaultGeneratedCert: struct({
      resolver: text(),
      domain: struct({ main: text(), sans: texts() }),
    }),
  }),
);
