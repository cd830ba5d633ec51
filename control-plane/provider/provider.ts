/**
 * The contract every provider meets (stage 1). A provider turns an outside source into keyed changes; it never emits a
 * half-read state and never a whole configuration.
 */
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { SourceState } from "../../config-model/snapshot/source-digest.ts";

export type ProviderEvent =
  /**
   * Objects that changed together: one etcd transaction, or one reading of a file. They stay together through every
   * stage: they are served in one generation. No key occurs twice. `source` is what the source says with them, all that
   * was emitted before included; there may be no changes, when what changed in the source describes no object.
   */
  | {
      readonly kind: "changes";
      readonly changes: readonly SourceChange[];
      readonly source?: SourceState;
    }
  /**
   * The first full reading has been emitted whole: what this provider has not named by now it does not have. Once per
   * process; later full readings (a relist) are emitted as differences.
   */
  | { readonly kind: "complete" }
  /** The source cannot be read now. Before `complete` it also says: do not wait for me. What was emitted stays. */
  | { readonly kind: "unavailable"; readonly reason: string }
  /** Problems of the source as a whole (a file that does not parse); replaces the ones reported before. */
  | { readonly kind: "problems"; readonly problems: readonly Diagnostic[] };

export interface Provider {
  /** `etcd`, `file`, `internal`: becomes the `@provider` of every name. */
  readonly name: string;
  /**
   * Resolves once the provider runs (it may not have read anything yet; an unreachable source is no error but an
   * `unavailable` event and a retry). Calls `emit` synchronously or later, in order. Rejects only when the provider can
   * never work.
   */
  start(emit: (event: ProviderEvent) => void, signal: AbortSignal): Promise<void>;
  /** May be called any time, any number of times. Nothing is emitted after it. */
  stop(): Promise<void>;
}
