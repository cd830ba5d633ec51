import type { LoadedStaticConfiguration } from "../config-model/static/load-static-configuration.ts";
import { restartKeys } from "../config-model/static/restart-keys.ts";
import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";
import { errorText } from "../foundation/error-text.ts";
import type { Logger } from "../foundation/log.ts";

export interface StaticReloadInit {
  /** What the process was started with. */
  readonly loaded: LoadedStaticConfiguration;
  /** Reads it again; throws with a line for each mistake. */
  readonly read: () => LoadedStaticConfiguration;
  readonly log: Logger;
}

/** Reads the static configuration of a running process again, and says what of it can and cannot take effect. */
export class StaticReload {
  readonly #init: StaticReloadInit;
  #warnings: ReadonlySet<string>;

  constructor(init: StaticReloadInit) {
    this.#init = init;
    this.#warnings = new Set(init.loaded.warnings);
  }

  /** Absent: what there was stays, and the log says why. */
  read(): StaticConfiguration | undefined {
    const { loaded: started, log } = this.#init;
    const loaded = this.#tryRead();
    if (loaded === undefined) return undefined;
    const { configuration, warnings, source } = loaded;
    // A file found by search and removed since would otherwise leave the defaults, and close every entry point.
    if (source !== started.source) {
      const hint = "restart to use it";
      log.error(
        `Cannot reload the static configuration: it came from ${started.source} and would come from ${source} now (${hint})`,
      );
      return undefined;
    }
    for (const warning of warnings) if (!this.#warnings.has(warning)) log.warn(warning);
    this.#warnings = new Set(warnings);
    log.info("static configuration read", { source });
    const keys = restartKeys(started.configuration, configuration);
    if (keys.length > 0) log.warn(`needs a restart: ${keys.join(", ")}`);
    return configuration;
  }

  #tryRead(): LoadedStaticConfiguration | undefined {
    try {
      return this.#init.read();
    } catch (error) {
      for (const line of errorText(error).split("\n")) this.#init.log.error(line);
      this.#init.log.error("Cannot reload the static configuration: the one before stays in use");
      return undefined;
    }
  }
}
