import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import type { SourceObject } from "../../config-model/dynamic/source-object.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import type { EntryPointSelection, Problem } from "./compiled-content.ts";

/** Where the content in use comes from. `carried`: compiled by an earlier process, source not seen (or not valid) since. */
type ContentInUse =
  | { readonly kind: "none" }
  | { readonly kind: "config"; readonly config: DynamicObject }
  | { readonly kind: "carried"; readonly resource: Resource };

/** What the compiler keeps of one object. Changed in place. */
export interface CompiledObject {
  readonly id: string;
  readonly key: ObjectKey;
  /** As read last; absent while nobody but the newest committed generation has named it. */
  source: SourceObject | undefined;
  /** The last good content. */
  inUse: ContentInUse;
  /** Of the content read last. */
  contentProblems: readonly Problem[];
  /** Ids of the objects it cannot do without. */
  required: readonly string[];
  /** Ids of objects that are missed when they are not there, and no more. */
  mentioned: readonly string[];
  /** Routers on entry points only. */
  entryPoints: EntryPointSelection | undefined;
  /** HTTP routers only: no service of its own, so its child routers serve. */
  handsOver: boolean;
  entryPointProblems: readonly Problem[];
  tlsProblems: readonly Problem[];
  /** Routers only: entry points where it has the default TLS options, whatever it asks for. */
  defaultTlsOn: readonly string[];
  /** From the content in use and what it is bound to; absent when that gives nothing to serve. */
  compiled: Resource | undefined;
  /** `compiled` exists and so does, transitively, everything it requires. */
  complete: boolean;
  /** Complete, and for a child router a parent is included. */
  included: boolean;
  /** What the last delta left in the snapshot. */
  published: Resource | undefined;
  /** Why it is not included, in words that name the first cause. */
  cause: string | undefined;
  diagnostics: readonly Diagnostic[];
}

export function createCompiledObject(id: string, key: ObjectKey): CompiledObject {
  return {
    id,
    key,
    source: undefined,
    inUse: { kind: "none" },
    contentProblems: [],
    required: [],
    mentioned: [],
    entryPoints: undefined,
    handsOver: false,
    entryPointProblems: [],
    tlsProblems: [],
    defaultTlsOn: [],
    compiled: undefined,
    complete: false,
    included: false,
    published: undefined,
    cause: undefined,
    diagnostics: [],
  };
}
