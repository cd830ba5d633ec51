/**
 * Argument of a `Host` matcher: `*` is any host, also none; `*.x` is exactly one label before `x`; else the host
 * itself. Both sides come in lower case and without a trailing dot.
 */
export type HostPattern =
  | { readonly kind: "any" }
  | { readonly kind: "wildcard"; readonly suffix: string }
  | { readonly kind: "exact"; readonly host: string };

export function parseHostPattern(text: string): HostPattern {
  if (text === "*") return { kind: "any" };
  if (text.startsWith("*.")) return { kind: "wildcard", suffix: text.slice(2) };
  return { kind: "exact", host: text };
}

/** Where the part after the first label begins, or -1. */
export function wildcardSuffixStart(host: string): number {
  const dot = host.indexOf(".");
  return dot <= 0 ? -1 : dot + 1;
}

export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  if (!pattern.startsWith("*.")) return pattern === host && host !== "";
  const start = wildcardSuffixStart(host);
  return (
    start !== -1 && host.length - start === pattern.length - 2 && host.endsWith(pattern.slice(2))
  );
}
