/**
 * A parsed rule in normal form: and/or are n-ary and never directly inside their own kind, negations are pushed down to
 * the matchers (De Morgan). At most 32 levels deep (`maxRuleDepth`).
 */
export type Rule =
  | { readonly kind: "all"; readonly rules: readonly Rule[] }
  | { readonly kind: "any"; readonly rules: readonly Rule[] }
  | Matcher;

export interface Matcher {
  readonly kind: "matcher";
  readonly name: MatcherName;
  /** Normalised: hosts lower case without trailing dot, methods upper case, header names lower case. */
  readonly arguments: readonly string[];
  readonly negated: boolean;
}

export type HttpMatcherName =
  | "Host"
  | "HostRegexp"
  | "Path"
  | "PathPrefix"
  | "PathRegexp"
  | "Method"
  | "Header"
  | "HeaderRegexp"
  | "Query"
  | "QueryRegexp"
  | "ClientIP";

export type TcpMatcherName = "HostSNI" | "HostSNIRegexp" | "ClientIP" | "ALPN";

export type MatcherName = HttpMatcherName | TcpMatcherName;

export const maxRuleDepth = 32;
