import { formatHostPort } from "../../foundation/format-address.ts";
import type { Logger } from "../../foundation/log.ts";
import { bindUdpSocket } from "../udp/bind-udp-socket.ts";
import type { UdpFromMain, UdpToMain } from "../worker/worker-protocol.ts";
import { EntryPointBindError } from "./entry-point-listener.ts";

/** The workers, as far as UDP is concerned. */
export interface UdpWorkers {
  /** Those that run, whether or not they serve yet. */
  readonly running: readonly number[];
  post(worker: number, message: UdpFromMain): void;
}

export interface UdpEntryPointListenerInit {
  readonly id: number;
  readonly entryPoint: string;
  /** "" is every interface, both families. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly workers: UdpWorkers;
  /** Whether several sockets may be bound to one address. */
  readonly canShare: boolean;
  /** Resolves when every address is free that is being closed: it may be this one. */
  readonly whenOthersClosed: () => Promise<void>;
  /** Resolves, and never rejects, when the address is free. */
  readonly onClosing: (closed: Promise<void>) => void;
  readonly log: Logger;
}

type OpenError = NonNullable<Extract<UdpToMain, { kind: "udpOpened" }>["error"]>;

/** What a system says that has no way to share out clients. */
const cannotShare: ReadonlySet<string | undefined> = new Set([
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOPROTOOPT",
]);

/**
 * A UDP entry point's address, as the main thread sees it. The sockets are the workers', one in each, so that the kernel
 * gives each client to one of them; where it cannot, one worker has them all. A worker that starts later gets its own.
 *
 * Sockets that share an address would be bound beside those of another program that shares it too, and take half of its
 * clients. So the address is bound exclusively first, for a moment.
 */
export class UdpEntryPointListener {
  readonly protocol = "udp";
  /** As wished. */
  readonly host: string;
  readonly port: number;
  readonly #init: UdpEntryPointListenerInit;
  /** Where each worker that was asked stands. */
  readonly #sockets = new Map<number, "opening" | "open" | "closing">();
  #entryPoint: string;
  /** Where it is bound. */
  #place: { readonly host: string; readonly port: number } | undefined;
  #isShared: boolean;
  #isServed: boolean = false;
  #closed: Promise<void> | undefined;
  #firstAnswer: ((error: OpenError | undefined) => void) | undefined;
  #whenClosed: (() => void) | undefined;

  constructor(init: UdpEntryPointListenerInit) {
    this.#init = init;
    this.#entryPoint = init.entryPoint;
    this.host = init.host;
    this.port = init.port;
    this.#isShared = init.canShare;
  }

  get entryPoint(): string {
    return this.#entryPoint;
  }

  get #isClosed(): boolean {
    return this.#closed !== undefined;
  }

  get address(): string {
    const { host, port } = this.#place ?? this;
    return `${formatHostPort(host, port)}/udp`;
  }

  /** Rejects with `EntryPointBindError`. */
  async bind(): Promise<void> {
    const { host, port } = this;
    try {
      await this.#init.whenOthersClosed();
      this.#place = await freePlace(host, port);
      let error = await this.#openFirst();
      if (error !== undefined && this.#isShared && cannotShare.has(error.code)) {
        this.#isShared = false;
        error = await this.#openFirst();
      }
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
    } catch (cause) {
      this.#place = undefined; // no worker that comes later is to have it
      const action = `Cannot bind entry point "${this.#entryPoint}" to ${formatHostPort(host, port)}/udp`;
      throw new EntryPointBindError(action, { cause });
    }
  }

  activate(): void {
    this.#isServed = true;
    this.#tellAll("serveUdp");
  }

  /** A generation gives the same address to an entry point of another name. */
  rename(entryPoint: string): void {
    if (entryPoint === this.#entryPoint) return;
    this.#entryPoint = entryPoint;
    if (this.#isServed) this.#tellAll("serveUdp");
  }

  /** The clients there are go on; the workers close what is left when they have drained. */
  endAccepting(): void {
    this.#tellAll("endUdp");
  }

  /** At once, with all sessions; resolves when the address is free. Repeatable. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = this.#close();
      this.#init.onClosing(this.#closed);
    }
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#firstAnswer?.(closedMeanwhile);
    for (const [worker, state] of this.#sockets) {
      if (state === "closing") continue;
      this.#sockets.set(worker, "closing");
      this.#init.workers.post(worker, { kind: "closeUdp", listener: this.#init.id });
    }
    if (this.#sockets.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenClosed = resolve;
      });
    }
  }

  answered(worker: number, message: UdpToMain): void {
    if (message.kind === "udpClosed") this.#gone(worker);
    else if (message.error === undefined) {
      if (this.#sockets.get(worker) === "opening") this.#sockets.set(worker, "open");
      this.#firstAnswer?.(undefined);
    } else this.#failed(worker, message.error);
  }

  workerServing(worker: number): void {
    if (this.#place === undefined || this.#isClosed || this.#sockets.has(worker)) return;
    if (this.#isShared || this.#sockets.size === 0) this.#openIn(worker);
  }

  workerStopped(worker: number): void {
    if (!this.#sockets.has(worker)) return;
    this.#gone(worker);
    if (this.#isShared || this.#isClosed || this.#sockets.size > 0) return;
    const [next] = this.#init.workers.running.filter((other) => other !== worker);
    if (next !== undefined && this.#firstAnswer === undefined) this.#openIn(next);
  }

  /** Resolves once one worker has it; with the last error when none can, without one when none runs. */
  #openFirst(): Promise<OpenError | undefined> {
    if (this.#isClosed) return Promise.resolve(closedMeanwhile);
    const { running } = this.#init.workers;
    const asked = this.#isShared ? running : running.slice(0, 1);
    if (asked.length === 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#firstAnswer = (error) => {
        this.#firstAnswer = undefined;
        resolve(error);
      };
      for (const worker of asked) this.#openIn(worker);
    });
  }

  #openIn(worker: number): void {
    const { host, port } = this.#place ?? this;
    const { id: listener, workers } = this.#init;
    this.#sockets.set(worker, "opening");
    workers.post(worker, { kind: "openUdp", listener, host, port, isShared: this.#isShared });
    if (this.#isServed) {
      workers.post(worker, { kind: "serveUdp", listener, entryPoint: this.#entryPoint });
    }
  }

  #failed(worker: number, error: OpenError): void {
    const isFirst = this.#firstAnswer !== undefined;
    this.#sockets.delete(worker);
    if (this.#sockets.size === 0) this.#firstAnswer?.(error);
    if (isFirst || this.#isClosed) return;
    const fields = { worker, entryPoint: this.#entryPoint, address: this.address };
    this.#init.log.error("worker cannot bind UDP entry point", {
      ...fields,
      reason: error.message,
    });
  }

  #gone(worker: number): void {
    this.#sockets.delete(worker);
    if (this.#sockets.size > 0) return;
    this.#firstAnswer?.({ code: undefined, message: "the worker that was to bind it ended" });
    this.#whenClosed?.();
  }

  #tellAll(kind: "serveUdp" | "endUdp"): void {
    const { id: listener, workers } = this.#init;
    for (const [worker, state] of this.#sockets) {
      if (state === "closing") continue;
      const message: UdpFromMain =
        kind === "endUdp" ? { kind, listener } : { kind, listener, entryPoint: this.#entryPoint };
      workers.post(worker, message);
    }
  }
}

const closedMeanwhile: OpenError = { code: undefined, message: "it has been closed" };

/** Rejects with the system's error when anybody is bound there. */
async function freePlace(host: string, port: number): Promise<{ host: string; port: number }> {
  const socket = await bindUdpSocket({ host, port, isShared: false });
  const { address, port: boundPort } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return { host: address, port: boundPort };
}
