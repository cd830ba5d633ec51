/**
 * Puts the content of files in the place of their paths, in certificates, stores and TLS options: the compiler does no
 * I/O. What is written as PEM stays. A pair of certificate and key that cannot be used, because one of two files has been
 * replaced and the other not yet, leaves the pair before it in use.
 *
 * No message holds what was read, nor the value of `keyFile`: somebody may have written the key there.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { DocumentObject } from "../../config-model/dynamic/decode-document.ts";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject, TlsOptionsConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { readFailureReason } from "./file-problem.ts";
import { ReferencedFiles } from "./referenced-files.ts";

interface Pair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** `problem`: why it is not what is written now, or why there is none. */
interface ResolvedPair {
  readonly pair: Pair | undefined;
  readonly problem: string | undefined;
}

export class TlsContent {
  readonly files = new ReferencedFiles();
  /** By what is written: the pair that was good last. */
  readonly #good = new Map<string, Pair>();
  #asked = new Set<string>();
  /** What an object came to, for as long as it is the same and what it refers to is. */
  readonly #resolved = new WeakMap<
    DocumentObject,
    { readonly content: string; readonly object: DocumentObject }
  >();

  /** Before every object is resolved once more. */
  begin(): void {
    for (const written of this.#good.keys())
      if (!this.#asked.has(written)) this.#good.delete(written);
    this.#asked = new Set();
    this.files.begin();
  }

  /** The same object when it refers to nothing. */
  resolve(original: DocumentObject): DocumentObject {
    const { config } = original.object;
    if (config?.kind === "tlsCertificate") {
      return this.#once(original, this.#pair(config), (pair) => ({ ...config, ...pair }));
    }
    if (config?.kind === "tlsStore" && config.defaultCertificate !== undefined) {
      const resolved = this.#pair(config.defaultCertificate);
      return this.#once(original, resolved, (pair) => ({ ...config, defaultCertificate: pair }));
    }
    if (config?.kind === "tlsOptions" && config.clientAuth.caFiles.length > 0) {
      return this.#options(original, config);
    }
    return original;
  }

  #once(
    original: DocumentObject,
    resolved: ResolvedPair,
    configWith: (pair: Pair) => DynamicObject,
  ): DocumentObject {
    const { pair, problem } = resolved;
    return this.#remember(original, JSON.stringify(resolved), () =>
      replaced(original, pair && configWith(pair), problem),
    );
  }

  #remember(original: DocumentObject, content: string, make: () => DocumentObject): DocumentObject {
    const known = this.#resolved.get(original);
    if (known?.content === content) return known.object;
    const object = make();
    this.#resolved.set(original, { content, object });
    return object;
  }

  #pair({ certFile, keyFile }: Pair): ResolvedPair {
    const written = `${certFile}\0${keyFile}`;
    this.#asked.add(written);
    const before = this.#good.get(written);
    try {
      if (certFile === "") throw new Error("it has no certFile");
      if (keyFile === "") throw new Error("it has no keyFile");
      const pair = {
        certFile: this.#content(certFile, `certificate file ${shownText(certFile)}`),
        keyFile: this.#content(keyFile, "its private key"),
      };
      const isKnown = pair.certFile === before?.certFile && pair.keyFile === before.keyFile;
      if (!isKnown) checkPair(pair);
      this.#good.set(written, pair);
      return { pair, problem: undefined };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return { pair: before, problem };
    }
  }

  #options(original: DocumentObject, config: TlsOptionsConfig): DocumentObject {
    try {
      const caFiles = config.clientAuth.caFiles.map((file) => this.#authorities(file));
      const clientAuth = { ...config.clientAuth, caFiles };
      return this.#remember(original, JSON.stringify(caFiles), () =>
        replaced(original, { ...config, clientAuth }, undefined),
      );
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return this.#remember(original, problem, () => replaced(original, undefined, problem));
    }
  }

  #authorities(file: string): string {
    const what = isPem(file)
      ? "a certificate authority"
      : `certificate authority ${shownText(file)}`;
    const pem = this.#content(file, what);
    if (readsAs(() => new X509Certificate(pem)) === undefined) {
      throw new Error(`${what} is no certificate`);
    }
    return pem;
  }

  #content(written: string, what: string): string {
    if (isPem(written)) return written;
    try {
      return this.files.read(written);
    } catch (cause) {
      throw new Error(`${what} cannot be read: ${readFailureReason(cause)}`, { cause });
    }
  }
}

function isPem(written: string): boolean {
  return written.includes("-----BEGIN ");
}

function checkPair({ certFile, keyFile }: Pair): void {
  const leaf = readsAs(() => new X509Certificate(certFile));
  if (leaf === undefined) throw new Error("its certificate is no certificate");
  const key = readsAs(() => createPrivateKey(keyFile));
  if (key === undefined) throw new Error("its private key is no private key");
  if (!leaf.checkPrivateKey(key)) throw new Error("its private key is that of another certificate");
}

/** What the library says about bytes it cannot read helps nobody, and they may be secret. */
function readsAs<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** A certificate of a file is called by its leaf, wherever it stands; one that was never good by its place. */
function replaced(
  { key, object }: DocumentObject,
  config: DynamicObject | undefined,
  problem: string | undefined,
): DocumentObject {
  const noun =
    key.kind === "tlsCertificate" ? "certificate" : key.kind === "tlsStore" ? "store" : "options";
  const stays = config !== undefined;
  const diagnostic: Diagnostic | undefined =
    problem === undefined
      ? undefined
      : {
          severity: stays ? "warning" : "error",
          code: "invalid-value",
          object: key,
          message: `Cannot use TLS ${noun} "${shownText(key.name)}": ${problem}`,
          source: object.source,
          ...(stays && { hint: "the pair it had before stays in use" }),
        };
  const problems = diagnostic === undefined ? object.problems : [...object.problems, diagnostic];
  return {
    key: nameByContent(key, config, object.source.location),
    object: { ...object, config, problems },
  };
}

function nameByContent(
  key: DocumentObject["key"],
  config: DynamicObject | undefined,
  location: string,
): DocumentObject["key"] {
  if (key.kind !== "tlsCertificate") return key;
  if (config?.kind !== "tlsCertificate")
    return { kind: key.kind, name: `${key.name} in ${location}` };
  const { fingerprint256 } = new X509Certificate(config.certFile);
  return { kind: key.kind, name: fingerprint256.replaceAll(":", "").toLowerCase() };
}
