/**
 * Certificates, keys and authorities out of the files that TLS objects name. What is written as PEM stays. A pair of
 * certificate and key that cannot be used, because one of two files has been replaced and the other not yet, leaves the
 * pair before it in use.
 *
 * No message holds what was read, nor the value of `keyFile`: somebody may have written the key there.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type {
  TlsCertificateConfig,
  TlsOptionsConfig,
  TlsStoreConfig,
} from "../../../config-model/dynamic/dynamic-object.ts";
import { shownText } from "../../../foundation/shown-text.ts";
import type { ContentProblem, ObjectContents, ReadFile } from "./object-contents.ts";

interface Pair {
  readonly certFile: string;
  readonly keyFile: string;
}

interface PairContents {
  readonly pair: Pair | undefined;
  /** Why it is not what is written now, or why there is none. */
  readonly problem: ContentProblem | undefined;
}

const staysHint = "the pair it had before stays in use";

export function tlsCertificateContents(
  config: TlsCertificateConfig,
  before: TlsCertificateConfig | undefined,
  read: ReadFile,
): ObjectContents<TlsCertificateConfig> {
  const { pair, problem } = pairContents(config, before, read);
  return { config: pair && { ...config, ...pair }, problems: problem ? [problem] : [] };
}

export function tlsStoreContents(
  config: TlsStoreConfig,
  before: TlsStoreConfig | undefined,
  read: ReadFile,
): ObjectContents<TlsStoreConfig> | undefined {
  if (config.defaultCertificate === undefined) return undefined;
  const { pair, problem } = pairContents(
    config.defaultCertificate,
    before?.defaultCertificate,
    read,
  );
  return {
    config: pair && { ...config, defaultCertificate: pair },
    problems: problem ? [{ ...problem, field: ["defaultCertificate", ...problem.field] }] : [],
  };
}

export function tlsOptionsContents(
  config: TlsOptionsConfig,
  read: ReadFile,
): ObjectContents<TlsOptionsConfig> | undefined {
  if (config.clientAuth.caFiles.length === 0) return undefined;
  const caFiles: string[] = [];
  const problems: ContentProblem[] = [];
  for (const [index, file] of config.clientAuth.caFiles.entries()) {
    const authority = authorityContents(file, read);
    if (typeof authority === "string") caFiles.push(authority);
    else problems.push({ ...authority, field: ["clientAuth", "caFiles", index] });
  }
  if (problems.length > 0) return { config: undefined, problems };
  return { config: { ...config, clientAuth: { ...config.clientAuth, caFiles } }, problems };
}

function pairContents(written: Pair, before: Pair | undefined, read: ReadFile): PairContents {
  const pair = readPair(written, read);
  const isKnown =
    "certFile" in pair && pair.certFile === before?.certFile && pair.keyFile === before.keyFile;
  if (isKnown) return { pair: before, problem: undefined };
  const problem = "certFile" in pair ? pairProblem(pair) : pair;
  if (problem === undefined && "certFile" in pair) return { pair, problem };
  const told = problem && before !== undefined ? { ...problem, hint: staysHint } : problem;
  return { pair: before, problem: told };
}

function readPair({ certFile, keyFile }: Pair, read: ReadFile): Pair | ContentProblem {
  if (certFile === "") return invalid("certFile", "it has no certFile");
  if (keyFile === "") return invalid("keyFile", "it has no keyFile");
  // Both, whatever comes of the first: both are to be followed.
  const [cert, key] = [contentOf(certFile, read), contentOf(keyFile, read)];
  if (cert.kind === "unreadable") {
    const message = `certificate file ${shownText(certFile)} cannot be read: ${cert.reason}`;
    return { field: ["certFile"], code: "unreadable-file", message };
  }
  if (key.kind === "unreadable") {
    const message = `its private key cannot be read: ${key.reason}`;
    return { field: ["keyFile"], code: "unreadable-file", message };
  }
  return { certFile: cert.text, keyFile: key.text };
}

function pairProblem({ certFile, keyFile }: Pair): ContentProblem | undefined {
  const leaf = readsAs(() => new X509Certificate(certFile));
  if (leaf === undefined) return invalid("certFile", "its certificate is no certificate");
  const key = readsAs(() => createPrivateKey(keyFile));
  if (key === undefined) return invalid("keyFile", "its private key is no private key");
  if (leaf.checkPrivateKey(key)) return undefined;
  return invalid("keyFile", "its private key is that of another certificate");
}

function invalid(field: keyof Pair, message: string): ContentProblem {
  return { field: [field], code: "invalid-value", message };
}

function authorityContents(file: string, read: ReadFile): string | Omit<ContentProblem, "field"> {
  const what = isPem(file) ? "a certificate authority" : `certificate authority ${shownText(file)}`;
  const content = contentOf(file, read);
  if (content.kind === "unreadable") {
    return { code: "unreadable-file", message: `${what} cannot be read: ${content.reason}` };
  }
  if (readsAs(() => new X509Certificate(content.text)) !== undefined) return content.text;
  return { code: "invalid-value", message: `${what} is no certificate` };
}

function contentOf(written: string, read: ReadFile): ReturnType<ReadFile> {
  return isPem(written) ? { kind: "text", text: written } : read(written);
}

function isPem(written: string): boolean {
  return written.includes("-----BEGIN ");
}

/** What the library says about bytes it cannot read helps nobody, and they may be secret. */
function readsAs<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
