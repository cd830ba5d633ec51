import { errorChainText } from "./error-text.ts";
import type { Logger, LogLevel } from "./log.ts";

/** A line of a thread's log, on its way to the process's one sink. */
export interface LogMessage {
  readonly kind: "log";
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Hands lines to the main thread, which has the one sink: a thread starts without loading a logging library. */
export function forwardingLog(level: LogLevel, post: (message: LogMessage) => void): Logger {
  const least = levels.indexOf(level);
  const forward =
    (line: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (levels.indexOf(line) < least) return;
      post({ kind: "log", level: line, message, fields: cloneable(fields, level === "debug") });
    };
  return {
    debug: forward("debug"),
    info: forward("info"),
    warn: forward("warn"),
    error: forward("error"),
  };
}

/** Only what crosses threads as it is; an error becomes its message, for `debug` its stack. */
function cloneable(fields: Readonly<Record<string, unknown>>, withStack: boolean) {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, printable(value, withStack)]),
  );
}

function printable(value: unknown, withStack: boolean): unknown {
  if (value instanceof Error) return withStack ? value.stack : errorChainText(value);
  if (typeof value === "bigint") return value.toString();
  return typeof value === "object" || typeof value === "function" || typeof value === "symbol"
    ? JSON.stringify(value)
    : value;
}
