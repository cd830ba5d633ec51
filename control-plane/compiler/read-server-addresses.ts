/** Addresses of the servers of a TCP or UDP service. */
import { isIP } from "node:net";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { shownValue } from "../../foundation/shown-text.ts";
import type { Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

interface ServerAddress {
  /** Name or address, brackets of IPv6 removed. */
  readonly host: string;
  readonly port: number;
}

const hostNamePattern = /^[A-Za-z\d_]([\w.-]*[A-Za-z\d_.])?$/;

/** `examplePort`: what the hint shows. */
export function readServerAddresses(
  key: ObjectKey,
  written: readonly { readonly address: string }[],
  examplePort: number,
): { readonly servers: ServerAddress[]; readonly problems: readonly Problem[] } {
  const servers: ServerAddress[] = [];
  const problems: Problem[] = [];
  for (const [index, { address }] of written.entries()) {
    const server = parseServerAddress(address);
    if (server !== undefined) servers.push(server);
    else {
      problems.push({
        severity: "error",
        code: "invalid-value",
        message: `Cannot use ${describeObject(key)}: server address "${shownValue(address)}" is not host:port`,
        field: ["loadBalancer", "servers", index, "address"],
        hint: `write it like 10.0.0.1:${examplePort} or [::1]:${examplePort}`,
      });
    }
  }
  return { servers, problems };
}

/** Undefined when it is not `host:port`. */
function parseServerAddress(address: string): ServerAddress | undefined {
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
