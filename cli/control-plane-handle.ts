import { Worker } from "node:worker_threads";
import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";
import type { ControlPlaneOptions } from "../control-plane/control-plane-options.ts";
import type {
  FromControlPlaneThread,
  ToControlPlaneThread,
} from "../control-plane/control-plane-thread.ts";
import type { Logger, LogLevel } from "../foundation/log.ts";

/** The control plane's thread as `up` sees it. It loads from the moment it is made. */
export class ControlPlaneHandle {
  readonly #thread: Worker;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #ended = Promise.withResolvers<void>();
  #log: Logger | undefined;
  #stopping: boolean = false;

  constructor() {
    this.#thread = new Worker(new URL("../control-plane/control-plane-thread.ts", import.meta.url));
    this.#thread.on("message", (message: FromControlPlaneThread) => {
      switch (message.kind) {
        case "loaded":
          this.#loaded.resolve();
          break;
        case "ready":
          this.#ready.resolve();
          break;
        case "failed":
          this.#failed.reject(new Error(message.reason));
          break;
        case "log":
          this.#log?.[message.level](message.message, message.fields);
          break;
        case "stopped":
          this.#ended.resolve();
          break;
      }
    });
    this.#thread.on("error", (error) => this.#failed.reject(error));
    this.#thread.on("exit", () => {
      this.#ended.resolve();
      if (!this.#stopping) this.#failed.reject(new Error("the control plane ended unexpectedly"));
    });
    this.#failed.promise.catch(() => {}); // whoever waits learns of it; nobody has to
  }

  start(options: ControlPlaneOptions, logLevel: LogLevel, log: Logger): void {
    this.#log = log;
    this.#post({ kind: "start", options, logLevel });
  }

  /** Resolves when its code is loaded; stays pending when that fails. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  /** Resolves when its listeners are bound. */
  get ready(): Promise<void> {
    return Promise.race([this.#ready.promise, this.#failed.promise]);
  }

  /** Never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** What `ControlPlane.reload` does. */
  reload(configuration: StaticConfiguration | undefined): void {
    this.#post({ kind: "reload", configuration });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#post({ kind: "stop" });
    await this.#ended.promise;
    await this.#thread.terminate();
  }

  #post(message: ToControlPlaneThread): void {
    this.#thread.postMessage(message);
  }
}
