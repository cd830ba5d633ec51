import { createSecureContext, type SecureContext } from "node:tls";
import { CertificateTable } from "./certificate-table.ts";
import { type KeyPair, makeDefaultCertificate } from "./default-certificate.ts";
import {
  builtInTlsOptions,
  type TlsCertificatePlan,
  type TlsOptionsPlan,
  type TlsStorePlan,
} from "./tls-plan.ts";

export const defaultTlsOptions = "default";

/** What a connection for a server name is secured with. */
export interface Credentials {
  readonly options: TlsOptionsPlan;
  readonly context: SecureContext;
}

/**
 * The TLS options and certificates of a worker, changed one at a time. A secure context is made when a pair of options
 * and certificate is first used, and kept as long as both: a new certificate costs nobody else anything, and a connection
 * that is open keeps what it began with.
 */
export class TlsMaterial {
  readonly certificates = new CertificateTable();
  readonly #options = new Map<string, TlsOptionsPlan>();
  /** Of those: each provider's `default`. */
  readonly #defaultOptions = new Map<string, TlsOptionsPlan>();
  readonly #stores = new Map<string, TlsStorePlan>();

  get options(): ReadonlyMap<string, TlsOptionsPlan> {
    return this.#options;
  }

  get stores(): ReadonlyMap<string, TlsStorePlan> {
    return this.#stores;
  }

  putOptions(plan: TlsOptionsPlan): void {
    this.#options.set(plan.name, plan);
    if (isDefault(plan)) this.#defaultOptions.set(plan.name, plan);
  }

  removeOptions(name: string): void {
    this.#options.delete(name);
    this.#defaultOptions.delete(name);
  }

  putStore(plan: TlsStorePlan): void {
    this.#stores.set(plan.name, plan);
  }

  removeStore(name: string): void {
    this.#stores.delete(name);
  }

  /** `serverName`: what the client asks for, else the address it came to. Undefined: the connection is to be closed. */
  credentialsFor(optionsName: string, serverName: string): Credentials | undefined {
    const options = this.#optionsCalled(optionsName);
    if (options === undefined || options.isUnusable) return undefined;
    const covering = this.certificates.find(serverName);
    if (covering === undefined && options.sniStrict) return undefined;
    const pair = covering ?? this.#defaultCertificate() ?? selfSigned();
    return { options, context: contextOf(options, pair) };
  }

  #optionsCalled(name: string): TlsOptionsPlan | undefined {
    if (name !== defaultTlsOptions) return this.#options.get(name);
    const [first, ...others] = this.#defaultOptions.values();
    return others.length > 0 ? undefined : (first ?? builtInTlsOptions);
  }

  #defaultCertificate(): TlsCertificatePlan | undefined {
    const defined = [...this.#stores.values()].filter(isDefault);
    return defined.length > 1 ? undefined : defined[0]?.defaultCertificate;
  }
}

function isDefault({ name }: { readonly name: string }): boolean {
  return name.startsWith(`${defaultTlsOptions}@`);
}

/** By identity: a plan that is carried over to a new state keeps its contexts. */
const contexts = new WeakMap<TlsOptionsPlan, WeakMap<KeyPair, SecureContext>>();

function contextOf(options: TlsOptionsPlan, pair: KeyPair): SecureContext {
  const known = contexts.get(options) ?? new WeakMap<KeyPair, SecureContext>();
  contexts.set(options, known);
  let context = known.get(pair);
  if (context === undefined) {
    context = createSecureContext({ ...options.context, cert: pair.certPem, key: pair.keyPem });
    known.set(pair, context);
  }
  return context;
}

let selfSignedPair: KeyPair | undefined;

/** One for a thread, made when it is first needed. */
function selfSigned(): KeyPair {
  selfSignedPair ??= makeDefaultCertificate();
  return selfSignedPair;
}
