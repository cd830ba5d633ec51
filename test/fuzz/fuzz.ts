/**
 * `npm run fuzz -- [--seconds=60] [--seed=N] [--only=TARGET] [--index=N]`: growth of time first, in half of the time
 * at most, random inputs for the rest. Says the seed; an input that shows a mistake is made short and kept in a file. Exit 1 for any.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { inputOf } from "./fuzz-run.ts";
import { fuzzTargets } from "./fuzz-targets.ts";
import type { FuzzReport, FuzzWork } from "./fuzz-worker.ts";
import { growthShapes } from "./growth-shapes.ts";

/** No input may take so long, with all that making it short takes. */
const hangMs = 40_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    only: { type: "string" },
    index: { type: "string" },
  },
});

const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const progress = new Int32Array(new SharedArrayBuffer(8));
const work: FuzzWork = {
  seed,
  growthEndsAtMs: Date.now() + Number(values.seconds) * 500,
  endsAtMs: Date.now() + Number(values.seconds) * 1_000,
  only: values.only,
  index: values.index === undefined ? undefined : Number(values.index),
  progress,
};
let folder: string | undefined;
let failed = false;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Keeps an input, and says where. */
function keep(name: string, input: string): string {
  folder ??= mkdtempSync(join(tmpdir(), "switchyard-fuzz-"));
  const path = join(folder, name);
  writeFileSync(path, input);
  return path;
}

function take(report: FuzzReport): void {
  switch (report.kind) {
    case "growth":
      say(`growth: ${report.measured} of ${growthShapes.length} shapes measured`);
      for (const problem of report.problems) say(`  ${problem}`);
      failed ||= report.problems.length > 0;
      return;
    case "failure": {
      failed = true;
      const { target, index, reason, input, shrunk } = report.failure;
      const file = `${target}-${seed}-${index}`;
      say(`\n${target} fails: ${reason}`);
      say(`  input: ${keep(file, input)}`);
      say(`  short: ${keep(`${file}.short`, shrunk)}: ${JSON.stringify(shrunk.slice(0, 500))}`);
      say(`  again: npm run fuzz -- --seed=${seed} --only=${target} --index=${index}`);
      return;
    }
    case "done":
      for (const [name, runs] of Object.entries(report.runs)) say(`${name}: ${runs} inputs`);
  }
}

function describeHang(): string {
  const [targetIndex = 0, index = 0] = progress;
  const target = fuzzTargets[targetIndex];
  if (target === undefined) return `the shape "${growthShapes[index]?.name}" hangs`;
  const path = keep(`${target.name}-${seed}-${index}`, inputOf(target, seed, index));
  return `${target.name} hangs, input: ${path}`;
}

say(`fuzzing with --seed=${seed}`);
const worker = new Worker(new URL("./fuzz-worker.ts", import.meta.url), { workerData: work });
let last = { at: Date.now(), progress: "" };
const watch = setInterval(() => {
  const now = progress.join(" ");
  if (now !== last.progress) last = { at: Date.now(), progress: now };
  else if (Date.now() - last.at > hangMs) {
    say(describeHang());
    process.exit(1);
  }
}, 1_000);
worker.on("message", take);
worker.on("error", (error) => {
  say(`the fuzzer itself fails: ${error instanceof Error ? error.stack : String(error)}`);
  failed = true;
});
worker.on("exit", () => {
  clearInterval(watch);
  process.exitCode = failed ? 1 : 0;
});
