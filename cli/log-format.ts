import type { LogOptions } from "../foundation/pino-log.ts";
import { UsageError } from "./exit-code.ts";

const levels = ["debug", "info", "warn", "error"] as const;
const formats = ["json", "common"] as const;

/** `common` on a terminal, `json` elsewhere, unless the operator said. */
export function logOptionsOf(
  level: LogOptions["level"],
  format: LogOptions["format"] | undefined,
): LogOptions {
  return { level, format: format ?? (process.stdout.isTTY ? "common" : "json") };
}

/** From a process's own flags. Throws `UsageError`. */
export function parseLogFlags(level: string, format: string | undefined): LogOptions {
  const known = levels.find((candidate) => candidate === level.toLowerCase());
  if (known === undefined) {
    throw new UsageError(`--log.level is one of ${levels.join(", ")}, not "${level}"`);
  }
  const knownFormat = formats.find((candidate) => candidate === format);
  if (format !== undefined && knownFormat === undefined) {
    throw new UsageError(`--log.format is one of ${formats.join(", ")}, not "${format}"`);
  }
  return logOptionsOf(known, knownFormat);
}
