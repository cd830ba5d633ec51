const states: Readonly<Record<string, string>> = {
  EADDRINUSE: "port is in use",
  EACCES: "permission denied",
  EADDRNOTAVAIL: "address is not of this machine",
  ENOTFOUND: "host is unknown",
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder does not exist",
};

/** `Cannot bind stream to 127.0.0.1:18000: port is in use`. */
export class StreamBindError extends Error {
  override readonly name = "StreamBindError";

  constructor(address: string, options: { readonly cause: unknown }) {
    super(`Cannot bind stream to ${address}: ${stateOf(options.cause)}`, options);
  }
}

function stateOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : "";
  return states[code] ?? (code || cause.message);
}
