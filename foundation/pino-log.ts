import { pino } from "pino";
import { errorChainText } from "./error-text.ts";
import type { Logger, LogLevel } from "./log.ts";

export interface LogOptions {
  readonly level: LogLevel;
  /** `common` is one readable line; `json` is pino's. */
  readonly format: "json" | "common";
}

/** Errors are flattened to their messages: no stack trace reaches an operator (`debug` keeps it). */
function printable(fields: Readonly<Record<string, unknown>>, withStack: boolean) {
  const flat: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value instanceof Error) flat[key] = withStack ? value.stack : errorChainText(value);
    else flat[key] = typeof value === "bigint" ? value.toString() : value;
  }
  return flat;
}

function commonLine(level: string, message: string, fields: Readonly<Record<string, unknown>>) {
  const pairs = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join("")}\n`;
}

/** Writes to standard output. Synchronous, so that the last line before an exit is never lost. */
export function createLog({ level, format }: LogOptions): Logger {
  const sink = pino({ level, base: null }, pino.destination({ dest: 1, sync: true }));
  const write =
    (name: LogOptions["level"]) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (!sink.isLevelEnabled(name)) return;
      const flat = printable(fields, level === "debug");
      if (format === "json") sink[name](flat, message);
      else process.stdout.write(commonLine(name, message, flat));
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
