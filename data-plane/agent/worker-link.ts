import type { MessagePort } from "node:worker_threads";
import type {
  AgentToWorker,
  CounterReport,
  RejectedResource,
  WorkerToAgent,
} from "../worker/worker-protocol.ts";

export type BuildAnswer =
  | { readonly kind: "built"; readonly rejected: readonly RejectedResource[] }
  | { readonly kind: "failed"; readonly reason: string }
  | WorkerAbsent;

export type SwitchAnswer = { readonly kind: "switched" } | WorkerAbsent;

/** The worker ended, or did not answer in time. */
interface WorkerAbsent {
  readonly kind: "gone" | "silent";
}

export interface WorkerLinkInit {
  readonly worker: number;
  readonly port: MessagePort;
  readonly answerTimeoutMs: number;
  readonly countersTimeoutMs: number;
}

interface Waiting<Answer> {
  readonly id: number;
  readonly settle: (answer: Answer) => void;
}

/**
 * The agent's end of one worker's port. Nothing here waits for ever: a worker that ends or stands still answers `gone`
 * or `silent`, so that it cannot hold up the others.
 */
export class WorkerLink {
  readonly worker: number;
  /** Whether it serves the state the agent holds; one that does not is sent everything. */
  inSync = false;
  /** What it holds and does not serve, as of its last switch. */
  rejected: readonly RejectedResource[] = [];
  readonly #init: WorkerLinkInit;
  #build: Waiting<BuildAnswer> | undefined;
  #switch: Waiting<SwitchAnswer> | undefined;
  #counters: Waiting<CounterReport | undefined> | undefined;
  #request = 0;
  #state: "open" | "closed" = "open";

  constructor(init: WorkerLinkInit) {
    this.#init = init;
    this.worker = init.worker;
    init.port.on("message", (message: WorkerToAgent) => this.#receive(message));
    init.port.once("close", () => this.close());
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  begin(transfer: number, full: boolean): void {
    this.#post({ kind: "begin", transfer, full });
  }

  part(transfer: number, changes: Uint8Array): void {
    this.#post({ kind: "part", transfer, changes });
  }

  build(transfer: number): Promise<BuildAnswer> {
    return this.#answer<BuildAnswer>(transfer, { kind: "silent" }, { kind: "gone" }, (waiting) => {
      this.#build = waiting;
      this.#post({ kind: "build", transfer });
    });
  }

  switch(transfer: number): Promise<SwitchAnswer> {
    return this.#answer<SwitchAnswer>(transfer, { kind: "silent" }, { kind: "gone" }, (waiting) => {
      this.#switch = waiting;
      this.#post({ kind: "switch", transfer });
    });
  }

  abandon(transfer: number): void {
    this.#post({ kind: "abandon", transfer });
  }

  /** Undefined when it does not answer in time. */
  collectCounters(): Promise<CounterReport | undefined> {
    this.#request += 1;
    const request = this.#request;
    this.#counters?.settle(undefined);
    return this.#answer<CounterReport | undefined>(
      request,
      undefined,
      undefined,
      (waiting) => {
        this.#counters = waiting;
        this.#post({ kind: "collectCounters", request });
      },
      this.#init.countersTimeoutMs,
    );
  }

  /** Whoever waits is told that the worker is gone. May be called any number of times. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.inSync = false;
    this.#build?.settle({ kind: "gone" });
    this.#switch?.settle({ kind: "gone" });
    this.#counters?.settle(undefined);
    this.#init.port.close();
  }

  #answer<Answer>(
    id: number,
    late: Answer,
    gone: Answer,
    ask: (waiting: Waiting<Answer>) => void,
    timeoutMs = this.#init.answerTimeoutMs,
  ): Promise<Answer> {
    if (this.#state === "closed") return Promise.resolve(gone);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(late), timeoutMs);
      ask({
        id,
        settle: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
      });
    });
  }

  #post(message: AgentToWorker): void {
    if (this.#state === "open") this.#init.port.postMessage(message);
  }

  /** An answer nobody waits for belongs to a transfer that was given up: it is dropped. */
  #receive(message: WorkerToAgent): void {
    switch (message.kind) {
      case "built":
        if (message.transfer === this.#build?.id) {
          this.#build.settle({ kind: "built", rejected: message.rejected });
        }
        return;
      case "failed":
        if (message.transfer === this.#build?.id) {
          this.#build.settle({ kind: "failed", reason: message.reason });
        }
        return;
      case "switched":
        if (message.transfer === this.#switch?.id) this.#switch.settle({ kind: "switched" });
        return;
      case "counters":
        if (message.request === this.#counters?.id) this.#counters.settle(message.counters);
        return;
    }
  }
}
