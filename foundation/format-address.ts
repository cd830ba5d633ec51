import type { AddressInfo } from "node:net";

/** `127.0.0.1:8080`, `[::1]:8080`; `:8080` when `host` is empty (every interface). */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function formatAddress({ address, port }: AddressInfo): string {
  return formatHostPort(address, port);
}

/** `host:port`, `[v6]:port` or `:port`; undefined when it is none of these. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port > 65_535 ? undefined : { host: match[1] ?? match[2] ?? "", port };
}
