import type { Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { EntryPoint as EntryPointSettings } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ServedEntryPoint } from "../builder/live-state.ts";
import { ConnectionSet } from "../connection/connection-set.ts";
import type { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import { EntryPointRuntime } from "../http/entry-point-runtime.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import { HandlerSwitcher } from "../switcher/handler-switcher.ts";
import type { TcpRouteTable } from "../tcp/tcp-router.ts";
import { type TlsAcceptance, TlsAcceptor } from "../tls/tls-acceptor.ts";

export interface EntryPointInit {
  readonly counters: RequestCounters;
  readonly sweeper: DeadlineSweeper;
  readonly log: Logger;
}

/**
 * An entry point in one worker, TCP first: a TCP router that matches gets the connection before anything is read of it,
 * else it is HTTP, over TLS when it begins so and routers here answer that. A connection keeps the TCP handler it began with; each HTTP request takes the handler of its moment.
 */
export class EntryPoint {
  readonly name: string;
  readonly #init: EntryPointInit;
  readonly #http: HandlerSwitcher<HttpHandler>;
  readonly #https: HandlerSwitcher<HttpHandler>;
  readonly #tcp: HandlerSwitcher<TcpRouteTable>;
  #served: ServedEntryPoint;
  #settings: EntryPointSettings;
  /** Connections since the last drain: those of a listener that is gone drain while a new one's come in. */
  #connections: Connections;

  constructor(served: ServedEntryPoint, init: EntryPointInit) {
    const { plan, tables } = served;
    this.#served = served;
    this.name = plan.name;
    this.#init = init;
    this.#http = new HandlerSwitcher(tables.httpHandler);
    this.#https = new HandlerSwitcher(tables.tlsHandler);
    this.#tcp = new HandlerSwitcher(tables.tcp);
    this.#settings = plan.settings;
    this.#connections = this.#newConnections();
  }

  switchTo(served: ServedEntryPoint): void {
    const {
      plan: { settings },
      tables,
    } = served;
    this.#served = served;
    if (settings !== this.#settings) this.#connections.http.updateSettings(settings);
    this.#settings = settings;
    this.#http.switchTo(tables.httpHandler);
    this.#https.switchTo(tables.tlsHandler);
    this.#tcp.switchTo(tables.tcp);
  }

  /** Takes the socket over; it may be paused. */
  accept(socket: Socket): void {
    const { http, tcp } = this.#connections;
    const router = this.#tcp.current.find(socket.remoteAddress ?? "");
    if (router !== undefined) router.service.current.serve(socket, tcp);
    else if (this.#served.tables.answersTls) new TlsAcceptor(socket, this.#acceptance(http));
    else http.serve(socket);
  }

  #acceptance(http: EntryPointRuntime): TlsAcceptance {
    return {
      readTimeoutMs: this.#settings.readTimeoutMs,
      connections: http.connections,
      sweeper: this.#init.sweeper,
      optionsFor: (serverName) => this.#served.tables.tlsOptionsFor(serverName),
      credentialsFor: (options, name) => this.#served.tls.credentialsFor(options, name),
      servePlain: (socket) => http.serve(socket),
      serveTls: (socket, options) => http.serveTls(socket, options),
    };
  }

  /** Lets the connections of this moment finish within the entry point's grace; later ones are not touched. */
  async drain(): Promise<void> {
    const { http, tcp } = this.#connections;
    const { graceTimeoutMs } = this.#settings;
    this.#connections = this.#newConnections();
    await Promise.all([http.drain(graceTimeoutMs), tcp.drain(graceTimeoutMs)]);
  }

  #newConnections(): Connections {
    const http = new EntryPointRuntime({
      name: this.name,
      settings: this.#settings,
      handler: this.#http,
      tlsHandler: this.#https,
      ...this.#init,
    });
    return { http, tcp: new ConnectionSet() };
  }
}

interface Connections {
  readonly http: EntryPointRuntime;
  readonly tcp: ConnectionSet;
}
