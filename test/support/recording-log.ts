import type { Logger } from "../../foundation/log.ts";

interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** For tests that look at the log. */
export class RecordingLog implements Logger {
  readonly lines: LogLine[] = [];
  readonly debug = this.#recorder("debug");
  readonly info = this.#recorder("info");
  readonly warn = this.#recorder("warn");
  readonly error = this.#recorder("error");

  #recorder(level: LogLine["level"]) {
    return (message: string, fields: LogLine["fields"] = {}) =>
      void this.lines.push({ level, message, fields });
  }
}
