import type { Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { ServedEntryPoint } from "../builder/live-state.ts";
import type { EntryPointSink } from "../builder/worker-state.ts";
import type { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import type { CounterFamily } from "../metrics/counter-registry.ts";
import type { OpenConnections } from "../metrics/open-connections.ts";
import { EntryPoint } from "./entry-point.ts";

export interface EntryPointSetInit {
  readonly counters: CounterFamily;
  readonly openConnections: OpenConnections;
  readonly sweeper: DeadlineSweeper;
  readonly log: Logger;
}

/** The entry points of one worker. A removed one stays until its connections have drained. */
export class EntryPointSet implements EntryPointSink {
  readonly #init: EntryPointSetInit;
  readonly #entryPoints = new Map<string, EntryPoint>();
  readonly #removed = new Set<string>();

  constructor(init: EntryPointSetInit) {
    this.#init = init;
  }

  put(served: ServedEntryPoint): void {
    const { name } = served.plan;
    this.#removed.delete(name);
    this.#init.openConnections.keep(name);
    const known = this.#entryPoints.get(name);
    if (known !== undefined) {
      known.switchTo(served);
      return;
    }
    const { counters, sweeper, log } = this.#init;
    const init = { counters: counters.of(name), sweeper, log };
    this.#entryPoints.set(name, new EntryPoint(served, init));
  }

  remove(name: string): void {
    this.#removed.add(name);
  }

  accept(name: string, socket: Socket): void {
    const entryPoint = this.#entryPoints.get(name);
    if (entryPoint === undefined) {
      this.#init.log.error("connection for an unknown entry point", { entryPoint: name });
      socket.destroy();
      return;
    }
    this.#init.openConnections.count(name, socket);
    entryPoint.accept(socket);
  }

  /** Resolves when the connections of this moment are gone. */
  async drain(name: string): Promise<void> {
    const entryPoint = this.#entryPoints.get(name);
    if (entryPoint === undefined) return;
    await entryPoint.drain();
    if (!this.#removed.delete(name)) return;
    this.#entryPoints.delete(name);
    this.#init.counters.retire(name);
    this.#init.openConnections.retire(name);
  }

  async drainAll(): Promise<void> {
    await Promise.all([...this.#entryPoints.keys()].map((name) => this.drain(name)));
  }
}
