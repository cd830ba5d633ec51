import { errorText } from "./error-text.ts";

const sentences: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "port is in use"],
  ["EACCES", "permission denied (ports under 1024 need CAP_NET_BIND_SERVICE)"],
  ["EADDRNOTAVAIL", "no interface of this machine has that address"],
  ["ENOTFOUND", "host name is unknown"],
]);

/** The part of a bind error's sentence after the colon. */
export function describeBindError(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return sentences.get(code) ?? errorText(error);
}
