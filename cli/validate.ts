/** `switchyard validate FILE...`: everything the running program would say of these files, all at once. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Diagnostic, formatPosition } from "../config-model/dynamic/diagnostic.ts";
import { describeReadFailure } from "../control-plane/provider/content/read-failure.ts";
import { printableLine } from "../foundation/printable-line.ts";
import { type ConfigurationFile, checkConfiguration, isMistake } from "./check-configuration.ts";
import { exitCode, UsageError } from "./exit-code.ts";

export function validate(paths: readonly string[]): number {
  const files = readFiles(paths);
  const problems = checkConfiguration(files, (path) => resolve(path));
  const lines = problems.map(describe);
  process.stdout.write(`${[...lines, summary(problems, files.length)].join("\n")}\n`);
  return problems.some(isMistake) ? exitCode.failed : exitCode.done;
}

/** Each once. Throws `UsageError` with a line for each that cannot be read. */
function readFiles(paths: readonly string[]): readonly ConfigurationFile[] {
  const files: ConfigurationFile[] = [];
  const failures: string[] = [];
  for (const path of new Set(paths)) {
    try {
      files.push({ path, text: readFileSync(path, "utf8") });
    } catch (error) {
      failures.push(describeReadFailure(path, error));
    }
  }
  if (failures.length > 0) throw new UsageError(failures.join("\n"));
  return files;
}

function describe(problem: Diagnostic): string {
  const { source, message, hint } = problem;
  const mark = isMistake(problem) ? "" : "warning: ";
  const end = hint === undefined ? "" : ` (${hint})`;
  return printableLine(`${formatPosition(source)}: ${mark}${message}${end}`);
}

function summary(problems: readonly Diagnostic[], fileCount: number): string {
  const mistakes = problems.filter(isMistake);
  const warnings = problems.length - mistakes.length;
  const end = warnings === 0 ? "" : `, ${counted(warnings, "warning")}`;
  if (mistakes.length === 0) {
    return `${counted(fileCount, "file")} ${fileCount === 1 ? "is" : "are"} valid${end}`;
  }
  const broken = new Set(mistakes.map(({ source }) => source.location)).size;
  return `${counted(mistakes.length, "problem")} in ${counted(broken, "file")}${end}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
