/** TLS resources made ready: whatever is wrong with them shows here, and not in a handshake. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import {
  ClientAuth,
  type TlsCertificate,
  type TlsOptions,
  type TlsStore,
  TlsVersion,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { KeyPair } from "./default-certificate.ts";

export interface TlsOptionsPlan {
  readonly name: string;
  readonly fingerprint: string;
  /** Connections that need them are closed. */
  readonly isUnusable: boolean;
  readonly sniStrict: boolean;
  readonly clientAuth: ClientAuth;
  /** What is agreed to, in order of preference; empty: what the route has. */
  readonly alpnProtocols: readonly string[];
  readonly context: SecureContextOptions;
}

export interface TlsCertificatePlan extends KeyPair {
  readonly name: string;
  readonly fingerprint: string;
  /** Names it is good for, lower case; addresses too. */
  readonly names: readonly string[];
  /** The names as one text, by which certificates for the same server are put in order. */
  readonly namesKey: string;
  readonly validFromMs: number;
}

export interface TlsStorePlan {
  readonly name: string;
  readonly fingerprint: string;
  readonly defaultCertificate: TlsCertificatePlan | undefined;
}

type Named = Pick<TlsCertificatePlan, "name" | "fingerprint">;

const versions: Readonly<Record<TlsVersion, SecureContextOptions["minVersion"]>> = {
  [TlsVersion.TLS_VERSION_UNSPECIFIED]: undefined,
  [TlsVersion.TLS_VERSION_1_0]: "TLSv1",
  [TlsVersion.TLS_VERSION_1_1]: "TLSv1.1",
  [TlsVersion.TLS_VERSION_1_2]: "TLSv1.2",
  [TlsVersion.TLS_VERSION_1_3]: "TLSv1.3",
};

const clientAuths: ReadonlySet<ClientAuth> = new Set(Object.values(ClientAuth));

/** SSL_OP_NO_TICKET. */
const noTickets = 0x4000;

/** Throws with the reason when the TLS library cannot do what they ask for. */
export function planTlsOptions(named: Named, options: TlsOptions): TlsOptionsPlan {
  const { minVersion, maxVersion, ciphers, curves, clientCaPem, clientAuth } = options;
  if (!clientAuths.has(clientAuth)) throw new Error("what it asks of clients is unknown");
  for (const version of [minVersion, maxVersion]) {
    if (!(version in versions)) throw new Error("a version of TLS is unknown to this version");
  }
  const context: SecureContextOptions = {
    minVersion: versions[minVersion] ?? "TLSv1.2",
    ...(versions[maxVersion] !== undefined && { maxVersion: versions[maxVersion] }),
    ...(ciphers.length > 0 && { ciphers: [...tls13Ciphers, ...ciphers].join(":") }),
    ...(curves.length > 0 && { ecdhCurve: curves.join(":") }),
    ...(clientCaPem.length > 0 && { ca: clientCaPem }),
    ...(options.disableSessionTickets && { secureOptions: noTickets }),
  };
  createSecureContext(context);
  const { unusable: isUnusable, sniStrict, alpnProtocols } = options;
  for (const protocol of alpnProtocols) {
    const length = Buffer.byteLength(protocol);
    if (length === 0 || length > 255) throw new Error("a protocol's name has no possible length");
  }
  return { ...named, isUnusable, sniStrict, clientAuth, alpnProtocols, context };
}

/** They are not configurable in Go, so they are always in. */
const tls13Ciphers = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
];

/** What routers have that name no options, where nobody has defined any. */
export const builtInTlsOptions: TlsOptionsPlan = {
  name: "default",
  fingerprint: "",
  isUnusable: false,
  sniStrict: false,
  clientAuth: ClientAuth.NONE,
  alpnProtocols: [],
  context: { minVersion: "TLSv1.2" },
};

/** Throws when it is no pair. No message holds anything of the key. */
export function planTlsCertificate(
  named: Named,
  { certPem, keyPem }: TlsCertificate,
): TlsCertificatePlan {
  const leaf = readLeaf(certPem);
  if (!leaf.checkPrivateKey(readKey(keyPem))) {
    throw new Error("its private key is that of another certificate");
  }
  const names = certificateNames(leaf);
  return {
    ...named,
    certPem,
    keyPem,
    names,
    namesKey: names.toSorted().join(","),
    validFromMs: leaf.validFromDate.getTime(),
  };
}

export function planTlsStore(named: Named, { defaultCertificate: pair }: TlsStore): TlsStorePlan {
  const defaultCertificate = pair === undefined ? undefined : planTlsCertificate(named, pair);
  return { ...named, defaultCertificate };
}

function readLeaf(pem: string): X509Certificate {
  const leaf = parsed(() => new X509Certificate(pem));
  if (leaf === undefined) throw new Error("its certificate cannot be read");
  return leaf;
}

function readKey(pem: string): KeyObject {
  const key = parsed(() => createPrivateKey(pem));
  if (key === undefined) throw new Error("its private key cannot be read");
  return key;
}

/** What the library says about bytes it cannot read helps nobody, and they are secret. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

/** Alternative names; where there are none, the common name, as old certificates have it. */
function certificateNames({ subjectAltName, subject }: X509Certificate): readonly string[] {
  const alternatives = (subjectAltName ?? "")
    .split(", ")
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
  const common = /(?:^|\n)CN=(.+)/.exec(subject)?.[1];
  const names = alternatives.length > 0 || common === undefined ? alternatives : [common];
  return names.map((name) => name.toLowerCase());
}
