import type { Logger } from "../../foundation/log.ts";
import type { UdpToMain } from "../worker/worker-protocol.ts";
import { UdpEntryPointListener, type UdpWorkers } from "./udp-entry-point-listener.ts";

export interface UdpListenersInit {
  readonly workers: UdpWorkers;
  readonly canShare: boolean;
  readonly log: Logger;
}

export interface UdpPlace {
  readonly entryPoint: string;
  readonly host: string;
  readonly port: number;
}

/** All UDP listeners there are, so that answers and news of workers get to them. */
export class UdpListeners {
  readonly #init: UdpListenersInit;
  readonly #listeners = new Map<number, UdpEntryPointListener>();
  readonly #closing = new Set<Promise<void>>();
  #nextId = 1;

  constructor(init: UdpListenersInit) {
    this.#init = init;
  }

  create({ entryPoint, host, port }: UdpPlace): UdpEntryPointListener {
    const id = this.#nextId;
    this.#nextId += 1;
    const listener = new UdpEntryPointListener({
      ...this.#init,
      ...{ id, entryPoint, host, port },
      whenOthersClosed: async () => void (await Promise.all(this.#closing)),
      onClosing: (closed) => void this.#closed(id, closed),
    });
    this.#listeners.set(id, listener);
    return listener;
  }

  async #closed(id: number, closed: Promise<void>): Promise<void> {
    this.#closing.add(closed);
    await closed;
    this.#closing.delete(closed);
    this.#listeners.delete(id);
  }

  answered(worker: number, message: UdpToMain): void {
    this.#listeners.get(message.listener)?.answered(worker, message);
  }

  workerServing(worker: number): void {
    for (const listener of this.#listeners.values()) listener.workerServing(worker);
  }

  workerStopped(worker: number): void {
    for (const listener of this.#listeners.values()) listener.workerStopped(worker);
  }
}
