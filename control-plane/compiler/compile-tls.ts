/**
 * TLS options, certificates and stores. Providers have put the content of files in the place of their paths and have
 * looked whether certificates fit their keys; here names get their meaning.
 *
 * `default` options are what every TLS connection has that nothing else is said about. Without them nodes use what is
 * built in, which asks clients for nothing: so they are published as unusable where they cannot be used as written, and
 * connections are closed.
 */
import type {
  TlsCertificateConfig,
  TlsOptionsConfig,
  TlsStoreConfig,
} from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { localKey } from "../../config-model/dynamic/qualified-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import {
  ClientAuth,
  TlsOptions,
  TlsVersion,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { Body, CompiledContent, Problem } from "./compiled-content.ts";
import { defaultTlsName } from "./default-tls.ts";
import { describeObject } from "./describe-object.ts";
import { cipherSuites, clientAuthTypes, curves, tlsVersions } from "./tls-names.ts";

/** What is in the place of an object that must not be missing; undefined: it may be. */
export function standIn(key: ObjectKey): Body | undefined {
  if (key.kind !== "tlsOptions" || localKey(key).name !== defaultTlsName) return undefined;
  return { $case: "tlsOptions", value: TlsOptions.create({ unusable: true }) };
}

/** Its field and what is wrong there. */
interface Mistake {
  readonly field: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

export function compileTlsOptions(key: ObjectKey, config: TlsOptionsConfig): CompiledContent {
  const subject = `Cannot use ${describeObject(key)}`;
  const mistakes: Mistake[] = [];
  const minVersion = versionOf(config.minVersion, "minVersion", mistakes);
  const maxVersion = versionOf(config.maxVersion, "maxVersion", mistakes);
  const suites = suitesOf(config.cipherSuites, mistakes);
  const curveNames = config.curvePreferences.flatMap((name, index) => {
    return known(curves, name, ["curvePreferences", index], mistakes, "curve") ?? [];
  });
  const clientAuth = clientAuthOf(config.clientAuth, mistakes);
  checkProtocols(config.alpnProtocols, mistakes);
  const lowest = suites.onlyTls13 ? TlsVersion.TLS_VERSION_1_3 : minVersion;
  if (mistakes.length === 0 && isBelow(maxVersion, lowest)) {
    mistakes.push({ field: ["maxVersion"], message: emptyRange(config, suites) });
  }
  if (mistakes.length > 0) {
    const problems = mistakes.map(({ field, message, hint }): Problem => {
      return {
        severity: "error",
        code: "invalid-value",
        message: `${subject}: ${message}`,
        field,
        ...(hint !== undefined && { hint }),
      };
    });
    return { kind: "invalid", problems };
  }
  return {
    kind: "usable",
    body: {
      $case: "tlsOptions",
      value: {
        minVersion: lowest,
        maxVersion,
        ciphers: suites.names,
        curves: [...new Set(curveNames)],
        sniStrict: config.sniStrict,
        clientAuth,
        clientCaPem: [...config.clientAuth.caFiles],
        disableSessionTickets: config.disableSessionTickets,
        alpnProtocols: [...config.alpnProtocols],
        unusable: false,
      },
    },
    problems: suites.obsolete.map(({ name, index }) => obsoleteSuite(key, name, index)),
  };
}

function obsoleteSuite(key: ObjectKey, name: string, index: number): Problem {
  return {
    severity: "warning",
    code: "invalid-value",
    message: `Cannot offer cipher suite "${shownText(name)}" of ${describeObject(key)}: it is obsolete, and no TLS library of today has it`,
    field: ["cipherSuites", index],
    hint: "the others are offered",
  };
}

export function compileTlsCertificate(
  key: ObjectKey,
  { certFile, keyFile, stores }: TlsCertificateConfig,
): CompiledContent {
  if (stores.length > 0 && !stores.includes(defaultTlsName)) {
    return unusedStore(key, `is for store "${shownText(stores[0] ?? "")}" only`, ["stores"]);
  }
  return {
    kind: "usable",
    body: {
      $case: "tlsCertificate",
      value: { certPem: certFile, keyPem: keyFile, stores: [] },
    },
    problems: [],
  };
}

export function compileTlsStore(
  key: ObjectKey,
  { defaultCertificate: pair }: TlsStoreConfig,
): CompiledContent {
  if (localKey(key).name !== defaultTlsName) return unusedStore(key, "is not the default one");
  const defaultCertificate = pair && { certPem: pair.certFile, keyPem: pair.keyFile, stores: [] };
  return {
    kind: "usable",
    body: { $case: "tlsStore", value: { defaultCertificate } },
    problems: [],
  };
}

function unusedStore(key: ObjectKey, why: string, field?: readonly string[]): CompiledContent {
  const problem: Problem = {
    severity: "warning",
    code: "invalid-value",
    message: `Cannot use ${describeObject(key)}: it ${why}, and no other store than "default" is ever looked at`,
    ...(field !== undefined && { field }),
  };
  return { kind: "out", problems: [problem] };
}

function versionOf(written: string | undefined, field: string, mistakes: Mistake[]): TlsVersion {
  if (written === undefined) return unspecified;
  return known(tlsVersions, written, [field], mistakes, "version of TLS") ?? unspecified;
}

/** What is behind a name; a name that is not known is a mistake. */
function known<T>(
  names: ReadonlyMap<string, T>,
  written: string,
  field: readonly (string | number)[],
  mistakes: Mistake[],
  what: string,
  hint = `valid: ${[...names.keys()].join(", ")}`,
): T | undefined {
  const found = names.get(written);
  if (found === undefined) {
    mistakes.push({ field, message: `"${shownText(written)}" is no ${what}`, hint });
  }
  return found;
}

const suiteHint = "valid are Go's names, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

interface Suites {
  readonly names: string[];
  /** Some are chosen, and they are of TLS 1.3 alone: nothing older can be spoken. */
  readonly onlyTls13: boolean;
  readonly obsolete: readonly { readonly name: string; readonly index: number }[];
}

function suitesOf(written: readonly string[], mistakes: Mistake[]): Suites {
  const names = new Set<string>();
  const obsolete: { name: string; index: number }[] = [];
  let usableOrTls13 = 0;
  for (const [index, name] of written.entries()) {
    const field = ["cipherSuites", index];
    const suite = known(cipherSuites, name, field, mistakes, "cipher suite", suiteHint);
    if (suite?.kind === "usable") names.add(suite.name);
    if (suite?.kind === "obsolete") obsolete.push({ name, index });
    else if (suite !== undefined) usableOrTls13++;
  }
  if (obsolete.length > 0 && usableOrTls13 === 0 && mistakes.length === 0) {
    mistakes.push({ field: ["cipherSuites"], message: "all of its cipher suites are obsolete" });
  }
  return { names: [...names], onlyTls13: written.length > 0 && names.size === 0, obsolete };
}

const unspecified = TlsVersion.TLS_VERSION_UNSPECIFIED;

/** Without a lowest version it is TLS 1.2. */
function isBelow(maxVersion: TlsVersion, lowest: TlsVersion): boolean {
  if (maxVersion === unspecified) return false;
  return maxVersion < (lowest === unspecified ? TlsVersion.TLS_VERSION_1_2 : lowest);
}

function emptyRange({ minVersion, maxVersion }: TlsOptionsConfig, suites: Suites): string {
  const what = `maxVersion "${maxVersion}"`;
  if (suites.onlyTls13) return `${what} is older than its cipher suites, which are of TLS 1.3`;
  if (minVersion === undefined)
    return `${what} is older than TLS 1.2, the oldest without minVersion`;
  return `${what} is older than minVersion "${minVersion}"`;
}

/** TLS has a byte for their length. */
const maxProtocolBytes = 255;

function checkProtocols(protocols: readonly string[], mistakes: Mistake[]): void {
  for (const [index, protocol] of protocols.entries()) {
    const length = Buffer.byteLength(protocol);
    if (length > 0 && length <= maxProtocolBytes) continue;
    const message = `"${shownText(protocol)}" cannot be a protocol: it has ${length} bytes`;
    const hint = `1 to ${maxProtocolBytes} are possible`;
    mistakes.push({ field: ["alpnProtocols", index], message, hint });
  }
}

function clientAuthOf(
  { type, caFiles }: TlsOptionsConfig["clientAuth"],
  mistakes: Mistake[],
): ClientAuth {
  if (type === undefined) {
    return caFiles.length > 0 ? ClientAuth.REQUIRE_AND_VERIFY : ClientAuth.NONE;
  }
  const field = ["clientAuth", "clientAuthType"];
  const auth = known(clientAuthTypes, type, field, mistakes, "type of client authentication");
  const verifies = auth === ClientAuth.VERIFY_IF_GIVEN || auth === ClientAuth.REQUIRE_AND_VERIFY;
  if (verifies && caFiles.length === 0) {
    const message = `"${shownText(type)}" needs certificate authorities to verify by`;
    mistakes.push({ field, message, hint: 'name them in "clientAuth.caFiles"' });
  }
  return auth ?? ClientAuth.NONE;
}
