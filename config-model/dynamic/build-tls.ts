/**
 * TLS objects from their decoded values. What is missing of a pair of certificate and key is told by the provider, which
 * reads the files; what a name stands for is the compiler's to know.
 */
import type { Decoded } from "../schema/schema.ts";
import type {
  TlsCertificateConfig,
  TlsOptionsConfig,
  TlsStoreConfig,
  UnbuiltKey,
} from "./dynamic-object.ts";
import {
  defaultAlpnProtocols,
  type tlsCertificateSchema,
  type tlsOptionsSchema,
  type tlsStoreSchema,
} from "./schema/tls-schema.ts";

type Value<S> = Exclude<Decoded<S>, undefined>;
type Build<T> = (unbuilt: readonly UnbuiltKey[]) => T;

export function buildTlsCertificate({
  certFile = "",
  keyFile = "",
  stores = [],
}: Value<typeof tlsCertificateSchema>): Build<TlsCertificateConfig> {
  return (unbuilt) => ({ kind: "tlsCertificate", certFile, keyFile, stores, unbuilt });
}

export function buildTlsStore({
  defaultCertificate: pair,
}: Value<typeof tlsStoreSchema>): Build<TlsStoreConfig> {
  const defaultCertificate = pair && { certFile: pair.certFile ?? "", keyFile: pair.keyFile ?? "" };
  return (unbuilt) => ({ kind: "tlsStore", defaultCertificate, unbuilt });
}

export function buildTlsOptions(value: Value<typeof tlsOptionsSchema>): Build<TlsOptionsConfig> {
  const { sniStrict, disableSessionTickets, clientAuth } = value;
  return (unbuilt) => ({
    kind: "tlsOptions",
    minVersion: value.minVersion || undefined,
    maxVersion: value.maxVersion || undefined,
    cipherSuites: value.cipherSuites ?? [],
    curvePreferences: value.curvePreferences ?? [],
    clientAuth: {
      type: clientAuth?.clientAuthType || undefined,
      caFiles: clientAuth?.caFiles ?? [],
    },
    sniStrict,
    alpnProtocols: isDefaultAlpn(value.alpnProtocols) ? [] : value.alpnProtocols,
    disableSessionTickets,
    unbuilt,
  });
}

function isDefaultAlpn(protocols: readonly string[]): boolean {
  return protocols.join() === defaultAlpnProtocols.join();
}
