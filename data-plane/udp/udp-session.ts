import type { Socket } from "node:dgram";
import { createUdpSocket } from "./bind-udp-socket.ts";
import type { ServerPlace, UdpServer } from "./udp-server.ts";

export interface UdpSessionInit {
  readonly client: { readonly address: string; readonly port: number };
  readonly server: UdpServer;
  /** Something has come from the server. */
  readonly onReply: (session: UdpSession, datagram: Buffer) => void;
  /** Once, however it ends. */
  readonly onEnd: (session: UdpSession, error?: Error) => void;
  /** Whether `bytes` more may wait; they are taken back with a negative number. */
  readonly reserve: (bytes: number) => boolean;
  readonly onDropped: () => void;
}

type State =
  | { readonly kind: "opening"; readonly waiting: Buffer[] }
  | { readonly kind: "open" }
  | { readonly kind: "ended" };

/** Too large for IPv4 where it came over IPv6, or no room for it: others may get through. */
const ofOneDatagram: ReadonlySet<string | undefined> = new Set(["EMSGSIZE", "ENOBUFS"]);

const maxWaitingDatagrams = 64;
/** Not sent by the system yet. */
const maxUnsentBytes = 1_048_576;

/**
 * One client and its server, over a connected socket of their own: whatever comes back there is for this client, and the
 * system tells when nobody listens at the server.
 */
export class UdpSession {
  readonly client: UdpSessionInit["client"];
  readonly server: UdpServer;
  /** Set by the table of sessions. */
  lastActiveAtMs = 0;
  older: UdpSession | undefined;
  newer: UdpSession | undefined;
  /** The configuration for which the server has been found to be one still. */
  epoch = 0;
  readonly #init: UdpSessionInit;
  #socket: Socket | undefined;
  #state: State = { kind: "opening", waiting: [] };

  constructor(init: UdpSessionInit) {
    this.#init = init;
    this.client = init.client;
    this.server = init.server;
    const { place } = init.server;
    if (place !== undefined) this.#connect(place);
    else {
      init.server.find().then(
        (found) => this.#connect(found),
        (error: Error) => this.end(error),
      );
    }
  }

  send(datagram: Buffer): void {
    const state = this.#state;
    if (state.kind === "open") this.#send(datagram);
    else if (
      state.kind === "opening" &&
      state.waiting.length < maxWaitingDatagrams &&
      this.#init.reserve(datagram.length)
    ) {
      state.waiting.push(datagram);
    } else this.#init.onDropped();
  }

  end(error?: Error): void {
    const state = this.#state;
    if (state.kind === "ended") return;
    this.#state = { kind: "ended" };
    if (state.kind === "opening") this.#release(state.waiting);
    this.#socket?.close();
    this.#init.onEnd(this, error);
  }

  #connect({ address, port, type }: ServerPlace): void {
    if (this.#state.kind === "ended") return;
    const socket = createUdpSocket({ type });
    this.#socket = socket;
    socket.on("error", (error) => this.end(error));
    socket.on("message", (datagram) => {
      if (this.#state.kind !== "ended") this.#init.onReply(this, datagram);
    });
    socket.once("connect", () => {
      const state = this.#state;
      if (state.kind !== "opening") return;
      this.#state = { kind: "open" };
      for (const datagram of state.waiting) this.#send(datagram);
      this.#release(state.waiting);
    });
    try {
      socket.connect(port, address);
    } catch (error) {
      this.end(error as Error);
    }
  }

  #send(datagram: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined || this.#state.kind !== "open") return;
    if (socket.getSendQueueSize() > maxUnsentBytes) this.#init.onDropped();
    else socket.send(datagram, this.#onSent);
  }

  /** An earlier datagram found nobody at the server: the system says so when the next one is sent. */
  readonly #onSent = (error: NodeJS.ErrnoException | null): void => {
    if (error === null || this.#state.kind === "ended") return;
    if (ofOneDatagram.has(error.code)) this.#init.onDropped();
    else this.end(error);
  };

  #release(waiting: readonly Buffer[]): void {
    let bytes = 0;
    for (const { length } of waiting) bytes += length;
    this.#init.reserve(-bytes);
  }
}
