import type { TlsCertificatePlan } from "./tls-plan.ts";

/**
 * Certificates by the names they are good for: the name itself, then `*` for its first label. Where several are, the
 * order of their names decides as in Traefik (the last in alphabet first), and among those for the same names the newest:
 * a renewed certificate counts at once, whether or not the old one is still there.
 */
export class CertificateTable {
  readonly #certificates = new Map<string, TlsCertificatePlan>();
  readonly #byName = new Map<string, readonly TlsCertificatePlan[]>();

  get(name: string): TlsCertificatePlan | undefined {
    return this.#certificates.get(name);
  }

  all(): IterableIterator<TlsCertificatePlan> {
    return this.#certificates.values();
  }

  put(certificate: TlsCertificatePlan): void {
    this.remove(certificate.name);
    this.#certificates.set(certificate.name, certificate);
    for (const name of certificate.names) {
      const others = this.#byName.get(name) ?? [];
      this.#byName.set(name, [...others, certificate].toSorted(inOrder));
    }
  }

  remove(certificateName: string): void {
    const certificate = this.#certificates.get(certificateName);
    if (certificate === undefined) return;
    this.#certificates.delete(certificateName);
    for (const name of certificate.names) {
      const left = (this.#byName.get(name) ?? []).filter((other) => other !== certificate);
      if (left.length === 0) this.#byName.delete(name);
      else this.#byName.set(name, left);
    }
  }

  /** `serverName` is lower case. */
  find(serverName: string): TlsCertificatePlan | undefined {
    const exact = this.#byName.get(serverName)?.[0];
    if (exact !== undefined) return exact;
    const dot = serverName.indexOf(".");
    return dot <= 0 ? undefined : this.#byName.get(`*${serverName.slice(dot)}`)?.[0];
  }
}

function inOrder(a: TlsCertificatePlan, b: TlsCertificatePlan): number {
  if (a.namesKey !== b.namesKey) return a.namesKey > b.namesKey ? -1 : 1;
  if (a.validFromMs !== b.validFromMs) return b.validFromMs - a.validFromMs;
  return a.name < b.name ? -1 : 1;
}
