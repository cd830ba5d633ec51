import { isIP } from "node:net";
import { shownText, shownValue } from "../../foundation/shown-text.ts";

interface ServerUrl {
  readonly scheme: "http";
  /** Name or address, brackets of IPv6 removed. */
  readonly host: string;
  readonly port: number;
  /** `host[:port]` as written: what a request's Host becomes without `passHostHeader`. */
  readonly authority: string;
  /** Escaped; empty when the URL has none. Used with `preservePath`. */
  readonly path: string;
}

export type ServerUrlParse =
  | { readonly ok: true; readonly server: ServerUrl }
  /** `not-built`: valid in Traefik. */
  | {
      readonly ok: false;
      readonly code: "invalid-value" | "not-built";
      readonly message: string;
      readonly hint?: string;
    };

const urlPattern = /^([A-Za-z][A-Za-z\d+.-]*):\/\/([^/?#]*)([^?#]*)/;
const hostNamePattern = /^[A-Za-z\d_]([\w.-]*[A-Za-z\d_.])?$/;
const example = "http://10.0.0.1:8080";

/** Never quotes the part before `@`: it may hold a password. */
export function parseServerUrl(url: string): ServerUrlParse {
  if (url === "") return invalid("a server has no URL", `write it like ${example}`);
  const match = urlPattern.exec(url);
  if (match === null) {
    return invalid(`Server URL "${shownValue(url)}" has no scheme`, `write it like ${example}`);
  }
  const [, rawScheme = "", rawAuthority = "", rawPath = ""] = match;
  const scheme = rawScheme.toLowerCase();
  if (scheme === "https" || scheme === "h2c") {
    return {
      ok: false,
      code: "not-built",
      message: `Server URL "${shownValue(url)}" uses scheme "${scheme}", which is not supported yet`,
    };
  }
  if (scheme !== "http") {
    return invalid(
      `Server URL "${shownValue(url)}" has unknown scheme "${shownText(scheme)}"`,
      "valid is http",
    );
  }
  const authority = rawAuthority.slice(rawAuthority.lastIndexOf("@") + 1);
  const split = splitAuthority(authority);
  if (split === undefined) {
    return invalid(
      `Server URL "${shownValue(url)}" has no valid host`,
      `write it like ${example} or http://[::1]:8080`,
    );
  }
  const port = split.port === "" ? 80 : Number(split.port);
  if (!/^\d*$/.test(split.port) || port < 1 || port > 65_535) {
    return invalid(
      `Server URL "${shownValue(url)}" has an invalid port`,
      "a port is a number from 1 to 65535",
    );
  }
  if (rawPath.includes("%") && /%(?![\dA-Fa-f]{2})/.test(rawPath)) {
    return invalid(
      `Server URL "${shownValue(url)}" has an invalid escape in its path`,
      "a % is followed by two hexadecimal digits",
    );
  }
  const path = rawPath === "" ? "" : escapedPath(rawPath);
  return { ok: true, server: { scheme, host: split.host, port, authority, path } };
}

function invalid(message: string, hint: string): ServerUrlParse {
  return { ok: false, code: "invalid-value", message, hint };
}

function escapedPath(path: string): string {
  return path.replace(/[^!-~]+/gu, (part) => encodeURIComponent(part.toWellFormed()));
}

function splitAuthority(authority: string): { host: string; port: string } | undefined {
  if (authority.startsWith("[")) {
    const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(authority);
    const [, host = "", port = ""] = bracketed ?? [];
    return isIP(host) === 6 && !host.includes("%") ? { host, port } : undefined;
  }
  const colon = authority.indexOf(":");
  const host = colon < 0 ? authority : authority.slice(0, colon);
  const port = colon < 0 ? "" : authority.slice(colon + 1);
  if (port.includes(":") || host.length > 255 || !hostNamePattern.test(host)) return undefined;
  return { host, port };
}
