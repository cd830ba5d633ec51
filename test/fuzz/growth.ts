/**
 * Time against size: an input four times as large may take four times as long and a bit, and not sixteen times.
 */
export interface GrowthShape {
  readonly name: string;
  /** An input of a size in proportion to `count`. */
  readonly build: (count: number) => string;
  readonly run: (input: string) => unknown;
}

export interface Growth {
  readonly name: string;
  /** Characters of the larger input. */
  readonly characters: number;
  readonly smallMs: number;
  readonly largeMs: number;
}

const factor = 4;
/**
 * The first measurement is quick; what looks bad in it is measured again at larger sizes, and in CPU time, so that a busy
 * machine changes little.
 */
const measurableMs = [2, 25, 25, 25] as const;
const maxCharacters = 1_500_000;
const maxLargeMs = 2_500;

/** Linear is 4, n log n about 4.5, square 16. */
const maxRatio = 9;

/** Throws when the time grows faster than the input, whatever its size. */
export function measureGrowth(
  { name, build, run }: GrowthShape,
  stagesMs: readonly number[] = measurableMs,
): Growth {
  let count = 64;
  run(build(count)); // loads what is loaded with the first use
  let growth: Growth | undefined;
  for (const leastMs of stagesMs) {
    // A size that takes long enough, or the largest there is.
    while (bestMs(build(count), run, 2) < leastMs) {
      if (build(count * 2 * factor).length > maxCharacters) break;
      count *= 2;
    }
    const [small, large] = [build(count), build(count * factor)];
    const isQuick = leastMs === measurableMs[0];
    const largeMs = isQuick ? bestMs(large, run, 3) : meanCpuMs(large, run);
    const smallMs = isQuick ? bestMs(small, run, 5) : meanCpuMs(small, run);
    growth = { name, characters: large.length, smallMs, largeMs };
    if (largeMs <= maxLargeMs && largeMs <= maxRatio * Math.max(smallMs, leastMs / 2))
      return growth;
  }
  throw new Error(`time grows faster than the input: ${JSON.stringify(growth)}`);
}

function bestMs(input: string, run: (input: string) => unknown, times: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    const startedAt = performance.now();
    run(input);
    best = Math.min(best, performance.now() - startedAt);
    if (best > maxLargeMs) break;
  }
  return best;
}

/** The clock of CPU time may go in steps of ten milliseconds: many runs, or long ones, are needed. */
function meanCpuMs(input: string, run: (input: string) => unknown): number {
  const before = process.threadCpuUsage();
  let spentMs = 0;
  let runs = 0;
  while (spentMs < 250) {
    run(input);
    runs++;
    const { user, system } = process.threadCpuUsage(before);
    spentMs = (user + system) / 1_000;
  }
  return spentMs / runs;
}
