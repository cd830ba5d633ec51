import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { FieldPath } from "../../config-model/schema/locate-field.ts";
import type { ResourceBody } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

export type Body = NonNullable<ResourceBody["body"]>;

/** A diagnostic before it is known whose it is and where it stands. */
export type Problem = Pick<Diagnostic, "severity" | "code" | "message" | "hint"> & {
  /** The field it is about; absent: the object as a whole. */
  readonly field?: FieldPath;
};

/** Which entry points a router asks for: `default` follows the fleet's default entry points. */
export type EntryPointSelection = readonly string[] | "default";

/** The TLS a router asks for itself. */
export interface RouterTls {
  /** `default` or `name@provider`. */
  readonly options: string;
  /** Named in its rule. */
  readonly hosts: readonly string[];
}

/** What an object's own content comes to, whatever else exists. */
export type CompiledContent =
  | {
      readonly kind: "usable";
      /** Names what it refers to, and never contains it; `entryPoints` and `defaultTlsOn` of routers are filled in later. */
      readonly body: Body;
      /** Routers on entry points only. */
      readonly entryPoints?: EntryPointSelection;
      /** Of HTTP routers on entry points only. */
      readonly tls?: RouterTls;
      readonly problems: readonly Problem[];
    }
  /** Understood, and it is not to be served: takes the place of an earlier version. */
  | {
      readonly kind: "out";
      readonly problems: readonly Problem[];
      /** Of a child router: it is one all the same. */
      readonly parents?: readonly string[];
      /** Of a router with TLS: what it says about its hosts counts for others. */
      readonly entryPoints?: EntryPointSelection;
      readonly tls?: RouterTls;
    }
  /** A mistake: the last good version stays in use. */
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

export function invalid(
  code: Diagnostic["code"],
  message: string,
  { hint, field }: Pick<Problem, "hint" | "field"> = {},
): CompiledContent {
  const problem: Problem = {
    severity: "error",
    code,
    message,
    ...(hint !== undefined && { hint }),
    ...(field !== undefined && { field }),
  };
  return { kind: "invalid", problems: [problem] };
}

export function out(code: Diagnostic["code"], message: string, hint?: string): CompiledContent {
  const problem: Problem = { severity: "error", code, message };
  return { kind: "out", problems: [hint === undefined ? problem : { ...problem, hint }] };
}

/** Absent or empty: the router follows the default entry points. */
export function selectEntryPoints(names: readonly string[] | undefined): EntryPointSelection {
  return names === undefined || names.length === 0 ? "default" : names;
}
