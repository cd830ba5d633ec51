import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { until } from "./until.ts";

export interface LightNodesReport {
  readonly connected: number;
  /** Of the generations the nodes hold. */
  readonly lowest: string;
  readonly fullTransfers: number;
  readonly deltas: number;
  readonly bytes: number;
}

export type LightNodesMessage =
  /** All of them hold it. */
  | { readonly kind: "reached"; readonly number: string; readonly atMs: number }
  | { readonly kind: "report"; readonly report: LightNodesReport };

export interface LightNodesInit {
  readonly address: string;
  readonly count: number;
  readonly prefix?: string;
  readonly isForgetful?: boolean;
}

/** Light nodes in a process of their own. */
export class LightNodes implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #reached = new Map<bigint, number>();
  /** Answers come in the order of the questions. */
  readonly #asking: ((report: LightNodesReport) => void)[] = [];

  constructor({ address, count, prefix = "node", isForgetful = false }: LightNodesInit) {
    const program = new URL("light-nodes-process.ts", import.meta.url);
    const memory = isForgetful ? "forgetful" : "faithful";
    this.#child = fork(program, [address, `${count}`, prefix, memory]);
    // One listener for all: of two messages that arrive together, a listener awaited anew would miss the second.
    this.#child.on("message", (message: LightNodesMessage) => {
      if (message.kind === "reached") this.#reached.set(BigInt(message.number), message.atMs);
      else this.#asking.shift()?.(message.report);
    });
  }

  /** When the last node reported that generation, in ms since the epoch; only while none of them skipped it. */
  reached(number: bigint, timeoutMs?: number): Promise<number> {
    return until(`all nodes at ${number}`, () => this.#reached.get(number), timeoutMs);
  }

  report(): Promise<LightNodesReport> {
    this.#child.send("report");
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  async untilReport(
    what: string,
    condition: (report: LightNodesReport) => boolean,
    timeoutMs?: number,
  ): Promise<LightNodesReport> {
    return until(
      what,
      async () => {
        const report = await this.report();
        return condition(report) ? report : undefined;
      },
      timeoutMs,
    );
  }

  kill(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
