/** The thread that is fuzzed in, so that the one beside it notices when an input never ends. */
import { parentPort, workerData } from "node:worker_threads";
import { type FuzzFailure, fuzzOne } from "./fuzz-run.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { fuzzTargets } from "./fuzz-targets.ts";
import { measureGrowth } from "./growth.ts";
import { growthShapes } from "./growth-shapes.ts";

export interface FuzzWork {
  readonly seed: number;
  /** Of `Date.now()`: threads share no other clock. */
  readonly growthEndsAtMs: number;
  readonly endsAtMs: number;
  /** Name of the only target; absent: all. */
  readonly only: string | undefined;
  /** The only input of each target; absent: all. */
  readonly index: number | undefined;
  /** Target, index: what runs now. A target of -1 is a shape of growth. */
  readonly progress: Int32Array;
}

export type FuzzReport =
  | { readonly kind: "failure"; readonly failure: FuzzFailure }
  | { readonly kind: "growth"; readonly measured: number; readonly problems: readonly string[] }
  | { readonly kind: "done"; readonly runs: Readonly<Record<string, number>> };

const maxFailuresPerTarget = 3;

function report(message: FuzzReport): void {
  parentPort?.postMessage(message);
}

/** All shapes where there is time; on a busy machine as many as there is time for, others with another seed. */
function runGrowth({ seed, growthEndsAtMs, progress }: FuzzWork): void {
  const problems: string[] = [];
  let measured = 0;
  for (; measured < growthShapes.length && Date.now() < growthEndsAtMs; measured++) {
    const index = (seed + measured) % growthShapes.length;
    const shape = growthShapes[index];
    if (shape === undefined) break;
    Atomics.store(progress, 0, -1);
    Atomics.store(progress, 1, index);
    try {
      measureGrowth(shape);
    } catch (error) {
      problems.push(`${shape.name}: ${String(error)}`);
    }
  }
  report({ kind: "growth", measured, problems });
}

function runInputs({ seed, endsAtMs, only, index: onlyIndex, progress }: FuzzWork): void {
  const runs: Record<string, number> = {};
  const failures = new Map<FuzzTarget, number>();
  let active = fuzzTargets.filter(({ name }) => only === undefined || name === only);
  for (const { name } of active) runs[name] = 0;
  while (active.length > 0 && Date.now() < endsAtMs) {
    for (const target of active) {
      for (let turn = 0; turn < target.weight; turn++) {
        const index = onlyIndex ?? runs[target.name] ?? 0;
        Atomics.store(progress, 0, fuzzTargets.indexOf(target));
        Atomics.store(progress, 1, index);
        runs[target.name] = (runs[target.name] ?? 0) + 1;
        const failure = fuzzOne(target, seed, index);
        if (failure === undefined) continue;
        failures.set(target, (failures.get(target) ?? 0) + 1);
        report({ kind: "failure", failure });
      }
    }
    if (onlyIndex !== undefined) break;
    active = active.filter((target) => (failures.get(target) ?? 0) < maxFailuresPerTarget);
  }
  report({ kind: "done", runs });
}

const work = workerData as FuzzWork;
if (work.only === undefined) runGrowth(work);
runInputs(work);
