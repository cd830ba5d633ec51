/** What configuration calls versions, cipher suites, curves and client authentication (Go's names), as data planes do. */
import { ClientAuth, TlsVersion } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

export const tlsVersions: ReadonlyMap<string, TlsVersion> = new Map([
  ["VersionTLS10", TlsVersion.TLS_VERSION_1_0],
  ["VersionTLS11", TlsVersion.TLS_VERSION_1_1],
  ["VersionTLS12", TlsVersion.TLS_VERSION_1_2],
  ["VersionTLS13", TlsVersion.TLS_VERSION_1_3],
]);

export const clientAuthTypes: ReadonlyMap<string, ClientAuth> = new Map([
  ["NoClientCert", ClientAuth.NONE],
  ["RequestClientCert", ClientAuth.REQUEST],
  ["RequireAnyClientCert", ClientAuth.REQUIRE_ANY],
  ["VerifyClientCertIfGiven", ClientAuth.VERIFY_IF_GIVEN],
  ["RequireAndVerifyClientCert", ClientAuth.REQUIRE_AND_VERIFY],
]);

export const curves: ReadonlyMap<string, string> = new Map([
  ["secp256r1", "P-256"],
  ["CurveP256", "P-256"],
  ["secp384r1", "P-384"],
  ["CurveP384", "P-384"],
  ["secp521r1", "P-521"],
  ["CurveP521", "P-521"],
  ["x25519", "X25519"],
  ["X25519", "X25519"],
  ["X25519MLKEM768", "X25519MLKEM768"],
]);

/**
 * `name`: as the library of data planes has it. Absent: of TLS 1.3, where suites cannot be chosen (as in Go), or
 * `obsolete`: no library of today has it.
 */
export type CipherSuite =
  | { readonly kind: "usable"; readonly name: string }
  | { readonly kind: "tls13" }
  | { readonly kind: "obsolete" };

const tls13: CipherSuite = { kind: "tls13" };
const obsolete: CipherSuite = { kind: "obsolete" };

function usable(name: string): CipherSuite {
  return { kind: "usable", name };
}

export const cipherSuites: ReadonlyMap<string, CipherSuite> = new Map([
  ["TLS_RSA_WITH_AES_128_CBC_SHA", usable("AES128-SHA")],
  ["TLS_RSA_WITH_AES_256_CBC_SHA", usable("AES256-SHA")],
  ["TLS_RSA_WITH_AES_128_CBC_SHA256", usable("AES128-SHA256")],
  ["TLS_RSA_WITH_AES_128_GCM_SHA256", usable("AES128-GCM-SHA256")],
  ["TLS_RSA_WITH_AES_256_GCM_SHA384", usable("AES256-GCM-SHA384")],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", usable("ECDHE-ECDSA-AES128-SHA")],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", usable("ECDHE-ECDSA-AES256-SHA")],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", usable("ECDHE-ECDSA-AES128-SHA256")],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", usable("ECDHE-ECDSA-AES128-GCM-SHA256")],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", usable("ECDHE-ECDSA-AES256-GCM-SHA384")],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", usable("ECDHE-ECDSA-CHACHA20-POLY1305")],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", usable("ECDHE-ECDSA-CHACHA20-POLY1305")],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", usable("ECDHE-RSA-AES128-SHA")],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", usable("ECDHE-RSA-AES256-SHA")],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", usable("ECDHE-RSA-AES128-SHA256")],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", usable("ECDHE-RSA-AES128-GCM-SHA256")],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", usable("ECDHE-RSA-AES256-GCM-SHA384")],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", usable("ECDHE-RSA-CHACHA20-POLY1305")],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", usable("ECDHE-RSA-CHACHA20-POLY1305")],
  ["TLS_AES_128_GCM_SHA256", tls13],
  ["TLS_AES_256_GCM_SHA384", tls13],
  ["TLS_CHACHA20_POLY1305_SHA256", tls13],
  ["TLS_RSA_WITH_RC4_128_SHA", obsolete],
  ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", obsolete],
  ["TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", obsolete],
  ["TLS_ECDHE_RSA_WITH_RC4_128_SHA", obsolete],
  ["TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", obsolete],
]);
