import { isIP } from "node:net";

export interface ServerAddress {
  /** Name or address, brackets of IPv6 removed. */
  readonly host: string;
  readonly port: number;
}

const hostNamePattern = /^[A-Za-z\d_]([\w.-]*[A-Za-z\d_.])?$/;

/** Of a TCP or UDP server; undefined when it is not `host:port`. */
export function parseServerAddress(address: string): ServerAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  if (match === null) return undefined;
  const [, bracketed, plain = "", digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined) {
    return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined;
  }
  return plain.length <= 255 && hostNamePattern.test(plain) ? { host: plain, port } : undefined;
}
