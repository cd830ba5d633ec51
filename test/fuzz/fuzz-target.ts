/**
 * A thing to be fuzzed. Inputs are texts whatever the target reads, so that one shrinker and one form of report serve
 * all; an input follows from its random source alone, so that a run repeats with its seed.
 */
import assert from "node:assert/strict";
import type { SeededRandom } from "../support/seeded-random.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Relative share of the runs. */
  readonly weight: number;
  generate(random: SeededRandom): string;
  /** CPU time that an input may take at most. */
  readonly maxCpuMs?: number;
  /** Throws, whatever it is, when the input shows a mistake of ours. */
  check(input: string): void;
}

const maxSentenceCharacters = 800;

/** What an operator is shown for any input: there is something, and not too much of it. */
export function assertSentence(message: string): void {
  assert.ok(message.trim().length > 0, "empty message");
  // Control characters are shown as escapes; they count as what they are.
  const { length } = message.replaceAll(/\\u[\da-f]{4}/g, "?");
  assert.ok(length <= maxSentenceCharacters, `message of ${length} characters`);
  assert.doesNotMatch(message, /\.ts:\d|\bundefined\b|\[object |^\s*at /m, `message: ${message}`);
}

/** The message of what `run` throws; anything but `ErrorClass` is a mistake and passes through. */
export function messageThrown(
  ErrorClass: new (...args: never[]) => Error,
  run: () => void,
): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof ErrorClass)) throw error;
    return error.message;
  }
}
