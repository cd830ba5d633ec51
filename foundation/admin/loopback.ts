import { parseHostPort } from "../format-address.ts";

/** The names and addresses that reach this machine from itself only. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/**
 * Whether a request's Host header names us. A web page can make a browser resolve a name of its own to 127.0.0.1; the
 * Host header is what it cannot change.
 */
export function isOwnHost(header: string | undefined, configuredHost: string): boolean {
  if (header === undefined) return false;
  const host = parseHostPort(header)?.host ?? header.replace(/^\[(.*)\]$/, "$1");
  return isLoopback(host) || host.toLowerCase() === configuredHost.toLowerCase();
}
