import { isIPv6 } from "node:net";
import { hostByte } from "./byte-class.ts";

/** Host as rules compare it: lower case, no port, no trailing dot, IPv6 without brackets. */
export function canonicalHost(host: string): string {
  const name = hostWithoutPort(host).toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** Port of a Host value as text; "" when it names none. */
export function portOf(host: string): string {
  const colon = host.lastIndexOf(":");
  return colon === -1 || colon < host.lastIndexOf("]") ? "" : host.slice(colon + 1);
}

/**
 * "", `host`, `host:port` or `[IPv6]:port`, with nothing in it that another parser could read as something else: no empty
 * label, no broken escape, no port of a host that is none.
 */
export function isValidHost(host: string): boolean {
  for (let index = 0; index < host.length; index += 1) {
    if (hostByte[host.charCodeAt(index)] !== 1) return false;
  }
  if (host.startsWith("[")) {
    const [, address = ""] = /^\[([^\]]*)\](?::[0-9]*)?$/.exec(host) ?? [];
    return isIPv6(address) && !address.includes("%");
  }
  if (host.startsWith(".") || host.startsWith(":") || host.includes("..")) return false;
  return /^(?:[^[\]:%]|%[0-9A-Fa-f]{2})*(?::[0-9]*)?$/.test(host);
}

/**
 * Where the name ends in a Host that is valid and canonical as it is but for its port: small letters, digits, hyphens,
 * inner dots and underscores, then perhaps a port. -1 for every other, good or bad: those take the long way.
 */
export function plainNameEnd(host: string): number {
  const { length } = host;
  let index = 0;
  let isAfterDot = true;
  for (; index < length; index += 1) {
    const code = host.charCodeAt(index);
    if (code === colonCode) break;
    if (plainNameByte[code] !== 1 || (isAfterDot && code === dotCode)) return -1;
    isAfterDot = code === dotCode;
  }
  if (isAfterDot) return -1;
  for (let digit = index + 1; digit < length; digit += 1) {
    const code = host.charCodeAt(digit);
    if (code < 48 || code > 57) return -1;
  }
  return index;
}

const colonCode = 58;
const dotCode = 46;
const plainNameByte = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[a-z0-9\-._]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function hostWithoutPort(host: string): string {
  if (host.startsWith("[")) {
    const end = host.indexOf("]");
    return end === -1 ? host : host.slice(1, end);
  }
  const colon = host.indexOf(":");
  // Several colons without brackets: an address someone forgot to bracket, not a port.
  return colon === -1 || colon !== host.lastIndexOf(":") ? host : host.slice(0, colon);
}
