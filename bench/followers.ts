import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { until } from "../test/support/until.ts";
import type { AgentsMessage } from "./agents-process.ts";

/** Data planes without listeners, all in one process of their own. */
export class Followers implements AsyncDisposable {
  readonly #child: ChildProcess;
  #served = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(address: string, count: number) {
    this.#child = fork(new URL("agents-process.ts", import.meta.url), [address, `${count}`]);
    this.#child.on("message", ({ served }: AgentsMessage) => {
      this.#served = served;
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  static async start(address: string, count: number): Promise<Followers> {
    const followers = new Followers(address, count);
    await until("followers loaded", () => followers.#served > 0, 120_000);
    return followers;
  }

  /** Generations every one of them has served. */
  get served(): number {
    return this.#served;
  }

  async untilServed(generations: number): Promise<void> {
    while (this.#served < generations) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
