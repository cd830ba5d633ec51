import { isIP } from "node:net";

/** An IPv4 or IPv6 address without zone, or a CIDR range of one. */
export function isAddressOrRange(text: string): boolean {
  if (text.includes("%")) return false;
  const slash = text.indexOf("/");
  if (slash < 0) return isIP(text) !== 0;
  const family = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (family === 0 || !/^(0|[1-9]\d{0,2})$/.test(bits)) return false;
  return Number(bits) <= (family === 4 ? 32 : 128);
}
