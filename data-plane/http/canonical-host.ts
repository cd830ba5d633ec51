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

/** `host`, `host:port` or `[IPv6]:port`, with nothing in it that another parser could read as something else. */
export function isValidHost(host: string): boolean {
  for (let index = 0; index < host.length; index += 1) {
    if (hostByte[host.charCodeAt(index)] !== 1) return false;
  }
  if (host.startsWith("[")) return /^\[[0-9A-Fa-f:.]+\](:[0-9]*)?$/.test(host);
  return /^[^[\]:]*(:[0-9]*)?$/.test(host);
}

function hostWithoutPort(host: string): string {
  if (host.startsWith("[")) {
    const end = host.indexOf("]");
    return end === -1 ? host : host.slice(1, end);
  }
  const colon = host.indexOf(":");
  // Several colons without brackets: an address someone forgot to bracket, not a port.
  return colon === -1 || colon !== host.lastIndexOf(":") ? host : host.slice(0, colon);
}
