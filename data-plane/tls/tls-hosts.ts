import type { HttpRouter } from "../routing/http-router.ts";

/**
 * Routers that answer TLS requests, by the hosts of their rules. One for each host is enough: where several ask for
 * different options, the control plane has given all of them the default ones; should it come otherwise all the same, the
 * others answer 421.
 */
export class TlsHosts {
  readonly #routers = new Map<string, HttpRouter | Set<HttpRouter>>();
  #hostless = 0;

  /** Whether there is a router whose rule names no host. */
  get hasCatchAll(): boolean {
    return this.#hostless > 0;
  }

  /** The host itself, else `*` for its first label. */
  find(host: string): HttpRouter | undefined {
    const exact = first(this.#routers.get(host));
    if (exact !== undefined) return exact;
    const dot = host.indexOf(".");
    return dot <= 0 ? undefined : first(this.#routers.get(`*${host.slice(dot)}`));
  }

  add(router: HttpRouter): void {
    if (router.namesHost === "never") this.#hostless += 1;
    for (const { host } of router.placements) {
      if (host === "*") continue;
      const known = this.#routers.get(host);
      if (known === undefined) this.#routers.set(host, router);
      else if (known instanceof Set) known.add(router);
      else if (known !== router) this.#routers.set(host, new Set([known, router]));
    }
  }

  remove(router: HttpRouter): void {
    if (router.namesHost === "never") this.#hostless -= 1;
    for (const { host } of router.placements) {
      const known = this.#routers.get(host);
      if (known instanceof Set) {
        known.delete(router);
        if (known.size === 0) this.#routers.delete(host);
      } else if (known === router) this.#routers.delete(host);
    }
  }
}

function first(found: HttpRouter | Set<HttpRouter> | undefined): HttpRouter | undefined {
  return found instanceof Set ? found.values().next().value : found;
}
