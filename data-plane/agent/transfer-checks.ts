/**
 * What keeps a wrong state out, in the order a transfer meets it. Each is enough against some fault that none of the
 * others sees; a test replaces one to show that.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";

export interface TransferChecks {
  /** Within one fleet: a node never goes back. */
  readonly mayReplace: (held: Generation, next: Generation) => boolean;
  /** A chunk of `count` that follows `received` others. */
  readonly isNext: (index: number, received: number, count: number) => boolean;
  readonly isIntact: (changes: Uint8Array, crc: number) => boolean;
  readonly isComplete: (received: number, count: number) => boolean;
  readonly isPayload: (payload: Uint8Array, claimed: Uint8Array) => boolean;
  /** The digest after applying, and the one the control plane means. */
  readonly isState: (digest: Uint8Array, meant: Uint8Array) => boolean;
}

export const transferChecks: TransferChecks = {
  mayReplace: (held, next) => compareGenerations(next, held) >= 0,
  isNext: (index, received, count) => index === received && index < count,
  isIntact: (changes, crc) => crc32(changes) === crc,
  isComplete: (received, count) => received === count,
  isPayload: (payload, claimed) => hash("sha256", payload, "buffer").equals(claimed),
  isState: (digest, meant) => Buffer.compare(digest, meant) === 0,
};
