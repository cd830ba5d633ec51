import { errorText } from "../../foundation/error-text.ts";
import type { Logger } from "../../foundation/log.ts";
import type { ServedEntryPoint } from "../builder/live-state.ts";
import type { EntryPointSink } from "../builder/worker-state.ts";
import type { UdpCounterFamily } from "../metrics/udp-counters.ts";
import type { UdpFromMain, UdpToMain } from "../worker/worker-protocol.ts";
import { type UdpEntryPoint, UdpListener } from "./udp-listener.ts";

export interface UdpEntryPointsInit {
  readonly counters: UdpCounterFamily;
  readonly post: (message: UdpToMain) => void;
  readonly log: Logger;
  readonly maxSessions?: number;
}

/** The UDP entry points of one worker: what they serve comes from the agent, where they listen from the main thread. */
export class UdpEntryPoints implements EntryPointSink {
  readonly #init: UdpEntryPointsInit;
  /** Those that are gone stay: a listener may still have one, and it may come back. */
  readonly #entryPoints = new Map<string, UdpEntryPoint>();
  /** By the main thread's number. */
  readonly #listeners = new Map<number, UdpListener>();
  #epoch = 0;

  constructor(init: UdpEntryPointsInit) {
    this.#init = init;
  }

  put(served: ServedEntryPoint): void {
    const entryPoint = this.#entryPointOf(served.plan.name);
    const before = timeoutOf(entryPoint.served);
    entryPoint.served = served;
    entryPoint.counters = this.#init.counters.of(served.plan.name);
    if (before === undefined || before === timeoutOf(served)) return;
    for (const listener of this.#listeners.values()) listener.timeoutChanged();
  }

  remove(name: string): void {
    const entryPoint = this.#entryPoints.get(name);
    if (entryPoint === undefined) return;
    entryPoint.served = undefined;
    this.#init.counters.retire(name);
  }

  /** Another configuration serves: sessions look whether their server is still one. */
  switched(): void {
    this.#epoch += 1;
    for (const entryPoint of this.#entryPoints.values()) entryPoint.epoch = this.#epoch;
  }

  receive(message: UdpFromMain): void {
    switch (message.kind) {
      case "openUdp":
        void this.#open(message);
        return;
      case "serveUdp":
        this.#listeners.get(message.listener)?.serve(this.#entryPointOf(message.entryPoint));
        return;
      case "endUdp":
        this.#listeners.get(message.listener)?.endAccepting();
        return;
      case "closeUdp":
        void this.#close(message.listener);
    }
  }

  async drainAll(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.drain()));
  }

  async #open({
    listener: id,
    host,
    port,
    isShared,
  }: Extract<UdpFromMain, { kind: "openUdp" }>): Promise<void> {
    const { log, maxSessions, post } = this.#init;
    const listener = new UdpListener({ log, ...(maxSessions !== undefined && { maxSessions }) });
    this.#listeners.set(id, listener);
    try {
      await listener.open({ host, port, isShared });
      post({ kind: "udpOpened", listener: id });
    } catch (error) {
      if (this.#listeners.get(id) === listener) this.#listeners.delete(id);
      const { code } = error as NodeJS.ErrnoException;
      post({ kind: "udpOpened", listener: id, error: { code, message: errorText(error) } });
    }
  }

  async #close(id: number): Promise<void> {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    await listener?.close();
    this.#init.post({ kind: "udpClosed", listener: id });
  }

  #entryPointOf(name: string): UdpEntryPoint {
    let entryPoint = this.#entryPoints.get(name);
    if (entryPoint === undefined) {
      const counters = this.#init.counters.of(name);
      entryPoint = { name, counters, served: undefined, epoch: this.#epoch };
      this.#entryPoints.set(name, entryPoint);
    }
    return entryPoint;
  }
}

function timeoutOf(served: ServedEntryPoint | undefined): number | undefined {
  return served?.plan.settings.udp?.sessionTimeoutMs;
}
