/** Where the part of a host after its first label begins, or -1. */
export function wildcardSuffixStart(host: string): number {
  const dot = host.indexOf(".");
  return dot <= 0 ? -1 : dot + 1;
}

/**
 * `*` is any host, also none; `*.x` is exactly one label before `x`; else the host itself. Both sides come in lower case
 * and without a trailing dot.
 */
export function compileHostPattern(pattern: string): (host: string) => boolean {
  if (pattern === "*") return () => true;
  if (!pattern.startsWith("*.")) return (host) => host === pattern && host !== "";
  const suffix = pattern.slice(2);
  return (host) => {
    const start = wildcardSuffixStart(host);
    return start !== -1 && host.length - start === suffix.length && host.endsWith(suffix);
  };
}
