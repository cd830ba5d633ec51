/** Runs targets one input after the other; every input follows from (seed, target, index). */
import { SeededRandom } from "../support/seeded-random.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { shrink } from "./shrink.ts";

/** All inputs are shorter than about a hundred thousand characters. */
const defaultMaxCpuMs = 1_000;

/** What an input breaks. */
export interface FuzzFailure {
  readonly target: string;
  readonly index: number;
  /** Name and first line of what was thrown, or the time taken. */
  readonly reason: string;
  readonly input: string;
  readonly shrunk: string;
}

export function inputOf(target: FuzzTarget, seed: number, index: number): string {
  let state = seed ^ Math.imul(index + 1, 0x9e37_79b1);
  for (const character of target.name) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x0100_0193);
  }
  return target.generate(new SeededRandom(state));
}

/** Absent when the input is dealt with as it should. */
export function fuzzOne(target: FuzzTarget, seed: number, index: number): FuzzFailure | undefined {
  const input = inputOf(target, seed, index);
  const reason = failureOf(target, input);
  if (reason === undefined) return undefined;
  const kind = kindOfReason(reason);
  const stillFails = (candidate: string) => {
    const now = failureOf(target, candidate);
    return now !== undefined && kindOfReason(now) === kind;
  };
  return { target: target.name, index, reason, input, shrunk: shrink(input, stillFails) };
}

export function failureOf(target: FuzzTarget, input: string): string | undefined {
  try {
    const { maxCpuMs = defaultMaxCpuMs } = target;
    if (cpuMsOf(target, input) <= maxCpuMs) return undefined;
    // Not the input's fault when another run of it is fast.
    const againMs = Math.min(cpuMsOf(target, input), cpuMsOf(target, input));
    return againMs <= maxCpuMs ? undefined : `takes ${Math.round(againMs)} ms of CPU`;
  } catch (error) {
    if (!(error instanceof Error)) return `threw ${String(error)}`;
    const [, , frame = ""] = error.stack?.split("\n") ?? [];
    return `${error.name}: ${error.message}\n${frame.trim()}`;
  }
}

function cpuMsOf(target: FuzzTarget, input: string): number {
  const before = process.threadCpuUsage();
  target.check(input);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** A shrunk input must fail for the same reason, though not with the same values in it. */
function kindOfReason(reason: string): string {
  return reason
    .slice(0, 60)
    .replaceAll(/\d+/g, "0")
    .replaceAll(/"[^"]*"?/g, '""');
}
