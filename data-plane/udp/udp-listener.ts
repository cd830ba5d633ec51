/**
 * The socket of a UDP entry point in one worker, and the sessions of the clients that the kernel gives to it. Datagrams
 * are passed on one by one, whole and as they are; what cannot be passed on is dropped and counted, as a network would.
 *
 * A session keeps its server for as long as there are datagrams, and for as long as the server may be chosen: a changed
 * configuration ends only those whose server is gone, at their next datagram.
 */
import type { RemoteInfo, Socket } from "node:dgram";
import type { Logger } from "../../foundation/log.ts";
import type { ServedEntryPoint } from "../builder/live-state.ts";
import type { UdpCounters } from "../metrics/udp-counters.ts";
import { bindUdpSocket, type UdpBinding } from "./bind-udp-socket.ts";
import { SessionTable } from "./session-table.ts";
import type { UdpHandler } from "./udp-handler.ts";
import { UdpSession } from "./udp-session.ts";

export interface UdpListenerInit {
  readonly log: Logger;
  /** The session that has been idle for longest makes room for a new one. */
  readonly maxSessions?: number;
  readonly now?: () => number;
}

/** What a listener serves: of one entry point, as it is configured now. */
export interface UdpEntryPoint {
  readonly name: string;
  counters: UdpCounters;
  /** Absent: the entry point is not there (any more), or is not for UDP. */
  served: ServedEntryPoint | undefined;
  /** Another number for every configuration. */
  epoch: number;
}

interface Held {
  readonly datagram: Buffer;
  readonly from: RemoteInfo;
}

/** A session has a descriptor of its own. */
const defaultMaxSessions = 10_000;
/** Of datagrams that wait for a switch, or for a session to be opened. */
const maxWaitingBytes = 4_194_304;
/** Of answers that the system has not sent yet. */
const maxUnsentBytes = 4_194_304;
const shortestSweepMs = 10;

export class UdpListener {
  readonly #init: UdpListenerInit;
  readonly #maxSessions: number;
  readonly #now: () => number;
  readonly #sessions = new SessionTable();
  #socket: Socket | undefined;
  #service: UdpEntryPoint | undefined;
  #held: Held[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Servers that may be chosen in the configuration of that number. */
  #servers: { readonly epoch: number; readonly keys: ReadonlySet<string> } | undefined;
  #acceptsClients: boolean = true;
  #isClosed: boolean = false;
  #whenEmpty: (() => void) | undefined;

  constructor(init: UdpListenerInit) {
    this.#init = init;
    this.#maxSessions = init.maxSessions ?? defaultMaxSessions;
    this.#now = init.now ?? (() => performance.now());
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Datagrams that wait for `serve`. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** Rejects with the system's error. What comes in is held until `serve`. */
  async open(binding: UdpBinding): Promise<void> {
    const socket = await bindUdpSocket(binding);
    if (this.#isClosed) {
      socket.close();
      return;
    }
    this.#socket = socket;
    socket.on("message", (datagram, from) => this.#receive(datagram, from));
    // What is wrong with one datagram is no reason to stop listening.
    socket.on("error", (error) => this.#init.log.debug("UDP socket failed", { error }));
  }

  /** From now on datagrams are those of this entry point. */
  serve(service: UdpEntryPoint): void {
    if (this.#service !== service) for (const session of this.#sessions.all()) session.end();
    this.#service = service;
    this.#servers = undefined;
    const held = this.#held;
    this.#held = [];
    for (const { datagram, from } of held) {
      this.#waitingBytes -= datagram.length;
      this.#receive(datagram, from);
    }
  }

  /** Whoever has no session is not served any more. */
  endAccepting(): void {
    this.#acceptsClients = false;
  }

  /** Resolves when no session is left, ended after the entry point's grace at the latest. */
  async drain(): Promise<void> {
    this.endAccepting();
    if (this.#sessions.size > 0) {
      const graceMs = this.#service?.served?.plan.settings.graceTimeoutMs ?? 0;
      const deadline = setTimeout(() => {
        for (const session of this.#sessions.all()) session.end();
      }, graceMs);
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
      clearTimeout(deadline);
    }
    await this.close();
  }

  /** At once, sessions and all; resolves when the address is free. Repeatable. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#acceptsClients = false;
    this.#held = [];
    for (const session of this.#sessions.all()) session.end();
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(resolve));
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    const service = this.#service;
    if (service === undefined) {
      if (this.#reserve(datagram.length)) this.#held.push({ datagram, from });
      return;
    }
    service.counters.receivedDatagrams += 1;
    const client = `${from.address} ${from.port}`;
    const session = this.#currentSession(client, service) ?? this.#begin(client, from, service);
    if (session === undefined) {
      service.counters.droppedDatagrams += 1;
      return;
    }
    this.#sessions.touch(session, this.#now());
    session.send(datagram);
  }

  #currentSession(client: string, service: UdpEntryPoint): UdpSession | undefined {
    const session = this.#sessions.get(client);
    if (session === undefined || this.#isServed(session, service)) return session;
    session.end();
    return undefined;
  }

  #isServed(session: UdpSession, service: UdpEntryPoint): boolean {
    if (session.epoch === service.epoch) return true;
    if (this.#servers?.epoch !== service.epoch) {
      const keys = new Set<string>();
      handlerOf(service)?.collect(keys, new Set());
      this.#servers = { epoch: service.epoch, keys };
    }
    if (!this.#servers.keys.has(session.server.key)) return false;
    session.epoch = service.epoch;
    return true;
  }

  #begin(client: string, from: RemoteInfo, service: UdpEntryPoint): UdpSession | undefined {
    if (!this.#acceptsClients) return undefined;
    const server = handlerOf(service)?.choose(0);
    if (server === undefined) return undefined;
    const { counters } = service;
    if (this.#sessions.size >= this.#maxSessions) {
      counters.evictedSessions += 1;
      this.#sessions.oldest?.end();
    }
    const session = new UdpSession({
      client: { address: from.address, port: from.port },
      server,
      onReply: (replied, datagram) => this.#reply(replied, datagram, service),
      onEnd: (ended, error) => {
        if (error !== undefined) {
          this.#init.log.debug("UDP session failed", { entryPoint: service.name, error });
        }
        this.#ended(client, ended, counters);
      },
      reserve: (bytes) => this.#reserve(bytes),
      onDropped: () => {
        counters.droppedDatagrams += 1;
      },
    });
    session.epoch = service.epoch;
    counters.sessions += 1;
    counters.openSessions += 1;
    this.#sessions.add(client, session, this.#now());
    this.#sweepIn(this.#timeoutMs());
    return session;
  }

  #ended(client: string, session: UdpSession, counters: UdpCounters): void {
    this.#sessions.delete(client, session);
    counters.openSessions -= 1;
    if (this.#sessions.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#whenEmpty?.();
  }

  #reply(session: UdpSession, datagram: Buffer, service: UdpEntryPoint): void {
    const socket = this.#socket;
    const { counters } = service;
    if (socket === undefined || !this.#isServed(session, service)) {
      counters.droppedDatagrams += 1;
      session.end();
      return;
    }
    this.#sessions.touch(session, this.#now());
    if (socket.getSendQueueSize() > maxUnsentBytes) {
      counters.droppedDatagrams += 1;
      return;
    }
    const { address, port } = session.client;
    counters.sentDatagrams += 1;
    // Whether it arrives is not for us to know.
    socket.send(datagram, port, address, ignored);
  }

  #reserve(bytes: number): boolean {
    if (bytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes) return false;
    this.#waitingBytes += bytes;
    return true;
  }

  #timeoutMs(): number {
    return this.#service?.served?.plan.settings.udp?.sessionTimeoutMs ?? 0;
  }

  #sweepIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#sweep(), Math.max(shortestSweepMs, ms));
  }

  #sweep(): void {
    this.#timer = undefined;
    const timeoutMs = this.#timeoutMs();
    for (;;) {
      const { oldest } = this.#sessions;
      if (oldest === undefined) return;
      const leftMs = timeoutMs - (this.#now() - oldest.lastActiveAtMs);
      if (leftMs > 0) {
        this.#sweepIn(leftMs);
        return;
      }
      oldest.end();
    }
  }

  /** Sessions are measured by a new timeout from now on. */
  timeoutChanged(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sessions.size > 0) this.#sweep();
  }
}

function handlerOf({ served }: UdpEntryPoint): UdpHandler | undefined {
  return served?.tables.udp.winner?.service.current;
}

function ignored(): void {}
