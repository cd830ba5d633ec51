/** The part of a bind error's sentence after the colon, for the codes an operator meets. */
export function describeBindError(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return "port is in use";
    case "EACCES":
      return "permission denied (ports under 1024 need CAP_NET_BIND_SERVICE)";
    case "EADDRNOTAVAIL":
      return "no interface of this machine has that address";
    case "ENOTFOUND":
      return "host name is unknown";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
