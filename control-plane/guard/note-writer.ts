import { backoffDelayMs } from "../../foundation/backoff.ts";
import { errorText } from "../../foundation/error-text.ts";
import type { Logger } from "../../foundation/log.ts";
import { holdNote } from "./removal-hold.ts";

interface NoteChange {
  readonly name: string;
  /** What must be there; absent: nothing. */
  readonly from: string | undefined;
  /** Absent: it is deleted. */
  readonly to: string | undefined;
}

/** Resolves to false when the note was not `from`, or this process does not lead; rejects when nobody knows. */
export type WriteNote = (change: NoteChange) => Promise<boolean>;

interface Note {
  /** As the store has it, written here or told by it. */
  stored: string | undefined;
  /** As the store has told it last. */
  told: string | undefined;
  /** Encodes what it shall be, when it is written; absent: it is to go. */
  next: (() => string) | undefined;
  isDue: boolean;
  isWriting: boolean;
}

const idle: Note = {
  stored: undefined,
  told: undefined,
  next: undefined,
  isDue: false,
  isWriting: false,
};

/** A hold that grows object by object is written no more often. */
const intervalMs = 1_000;
const retry = { baseMs: 250, maxMs: 5_000 };

/** Writes the notes of holds, each one write at a time, newest content wins. Whoever does not lead any more gives up. */
export class NoteWriter {
  readonly #write: WriteNote;
  readonly #log: Logger;
  #notes = new Map<string, Note>();

  constructor(write: WriteNote, log: Logger) {
    this.#write = write;
    this.#log = log;
  }

  /** Whether the store only tells what was written here; remembers what it has. */
  isOwn(name: string, text: string | undefined): boolean {
    const note = this.#notes.get(name);
    if (note === undefined) {
      if (text !== undefined) {
        this.#notes.set(name, { ...idle, stored: text, told: text });
      }
      return false;
    }
    const isOwn = note.stored === text;
    note.stored = text;
    note.told = text;
    if (!isOwn) note.isDue = false;
    if (text === undefined && !note.isWriting) this.#notes.delete(name);
    return isOwn;
  }

  clear(): void {
    for (const note of this.#notes.values()) note.isDue = false;
    this.#notes = new Map();
  }

  save(id: string, encode: () => string): void {
    this.#change(holdNote(id), encode);
  }

  remove(id: string): void {
    this.#change(holdNote(id), undefined);
  }

  #change(name: string, next: (() => string) | undefined): void {
    const note = this.#notes.get(name) ?? { ...idle };
    note.next = next;
    note.isDue = true;
    this.#notes.set(name, note);
    if (note.isWriting) return;
    note.isWriting = true;
    // After this turn: what holds many removals holds all of them in one.
    queueMicrotask(() => void this.#writeAll(name, note));
  }

  async #writeAll(name: string, note: Note): Promise<void> {
    for (let failures = 0; note.isDue; ) {
      note.isDue = false;
      let waitMs = intervalMs;
      try {
        const to = note.next?.();
        const from = note.stored;
        if (to === from) break;
        note.stored = to;
        if (!(await this.#write({ name, from, to }))) {
          note.stored = note.told;
          break; // somebody else has changed it, and the store tells what it is now
        }
        failures = 0;
      } catch (error) {
        this.#log.warn("a hold of the mass-removal guard is not in the store yet", {
          note: name,
          reason: errorText(error),
        });
        note.stored = note.told;
        note.isDue = true;
        waitMs = backoffDelayMs(failures++, retry);
      }
      await new Promise<void>((resolve) => void setTimeout(resolve, waitMs).unref());
    }
    note.isWriting = false;
    if (note.next === undefined && note.stored === undefined) this.#notes.delete(name);
  }
}
