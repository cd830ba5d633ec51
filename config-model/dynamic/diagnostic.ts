import type { ObjectKey } from "./object-key.ts";

/** Where an operator finds what a diagnostic speaks of: an etcd key, or `file:line:column` (1-based). */
export interface SourcePosition {
  /** `etcd`, `file`, `internal`. */
  readonly provider: string;
  /** etcd key, or path of the file. */
  readonly location: string;
  readonly line?: number;
  readonly column?: number;
}

/** Printed form: `routes.yml:3:7` or the etcd key. */
export function formatPosition({ location, line, column }: SourcePosition): string {
  return line === undefined ? location : `${location}:${line}:${column ?? 1}`;
}

type DiagnosticCode =
  | "syntax" // the source cannot be read at all
  | "unknown-key"
  | "invalid-value"
  | "invalid-rule"
  | "unreadable-file" // a file the object names; another machine may have it
  | "unknown-reference"
  | "disabled-reference" // refers to an object that exists and is itself out
  | "reference-loop"
  | "tls-options-conflict" // valid, and another router's settings take the place of these
  | "not-built" // valid in Traefik, not built here: the object is out
  | "not-built-degraded" // valid in Traefik, not built here: served without it
  | "withheld-secret" // it holds a private key, and the stream to the nodes is open to listeners
  | "rejected-by-node";

/**
 * One clear sentence about one object: what, where, the offending value, what would be valid. Wording as for errors: no
 * period at the end. Never holds a secret.
 */
export interface Diagnostic {
  /** The object it is about; absent when a source as a whole cannot be read. */
  readonly object?: ObjectKey;
  readonly severity: "error" | "warning";
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly source: SourcePosition;
  /** What would be valid, or what to do. */
  readonly hint?: string;
}
