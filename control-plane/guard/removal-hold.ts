/**
 * Removals that wait for an operator, and how they lie in the snapshot store: one note each, JSON, so that an operator
 * with etcdctl can read it.
 */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import { byText } from "../../foundation/by-text.ts";

/**
 * - open: everything of the provider that is to go waits
 * - confirmed: the operator wants it gone; the leader commits it and deletes the note
 * - dismissed: the operator wants to keep what waits (`kept`) until the source names it again; what else goes is judged
 *   anew
 */
type HoldState = "open" | "confirmed" | "dismissed";

export interface RemovalHold {
  readonly id: string;
  readonly provider: string;
  readonly state: HoldState;
  /** What would vanish is what data planes hold and a restored store has not: nothing at all is committed meanwhile. */
  readonly isRestored: boolean;
  /** Wall clock, to be shown only. */
  readonly since: string;
  /** What waits when the note was written last, of what there is committed. */
  readonly routers: number;
  readonly services: number;
  readonly objects: number;
  readonly ofRouters: number;
  readonly ofServices: number;
  /** A few of the names. */
  readonly sample: readonly string[];
  /** Resource ids, of a dismissed one. */
  readonly kept: readonly string[] | undefined;
}

const prefix = "guard-";
/** What a note may weigh, with room for the rest of it. */
const maxKeptBytes = 700 * 1024;

export function holdNote(id: string): string {
  return `${prefix}${id}`;
}

/** Absent: the note is of something else. */
export function holdIdOf(note: string): string | undefined {
  return note.startsWith(prefix) ? note.slice(prefix.length) : undefined;
}

export class HoldTooLargeError extends Error {
  override readonly name = "HoldTooLargeError";
}

/** Throws `HoldTooLargeError`. */
export function encodeHold({ kept, ...hold }: RemovalHold): string {
  if (kept === undefined) return JSON.stringify(hold);
  // Sorted, names take a fraction of their length.
  const packed = deflateRawSync(kept.toSorted(byText).join("\n")).toString("base64");
  if (packed.length > maxKeptBytes) {
    throw new HoldTooLargeError(
      `Cannot keep ${kept.length} removed objects: a note of the store holds ${maxKeptBytes} bytes, their names take ${packed.length}`,
    );
  }
  return JSON.stringify({ ...hold, kept: packed });
}

/** Throws when it is no hold. */
export function decodeHold(text: string): RemovalHold {
  const stored = JSON.parse(text);
  const { id, provider, state, since, sample } = stored;
  if (typeof id !== "string" || typeof provider !== "string" || !isState(state)) {
    throw new Error("Cannot read a hold of the mass-removal guard: it has another format");
  }
  const number = (value: unknown) => (typeof value === "number" ? value : 0);
  return {
    id,
    provider,
    state,
    isRestored: stored.isRestored === true,
    since: String(since),
    routers: number(stored.routers),
    services: number(stored.services),
    objects: number(stored.objects),
    ofRouters: number(stored.ofRouters),
    ofServices: number(stored.ofServices),
    sample: Array.isArray(sample) ? sample.map(String) : [],
    kept:
      typeof stored.kept === "string"
        ? inflateRawSync(Buffer.from(stored.kept, "base64")).toString().split("\n")
        : undefined,
  };
}

function isState(value: unknown): value is HoldState {
  return value === "open" || value === "confirmed" || value === "dismissed";
}
