import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  type LoadedStaticConfiguration,
  loadStaticConfiguration,
} from "../config-model/static/load-static-configuration.ts";
import { StaticConfigurationError } from "../config-model/static/static-configuration-error.ts";
import { errorText } from "../foundation/error-text.ts";
import { UsageError } from "./exit-code.ts";

/** The static configuration of this process. Throws `UsageError` with one line per mistake. */
export function loadStatic(flags: readonly string[]): LoadedStaticConfiguration {
  try {
    return loadStaticConfiguration({
      flags,
      env: process.env,
      readFile: readIfThere,
      resolvePath: (path) => resolve(path),
    });
  } catch (error) {
    if (!(error instanceof StaticConfigurationError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const reason = errorText(error);
    throw new StaticConfigurationError(`Cannot read ${path}: ${reason}`, { cause: error });
  }
}
