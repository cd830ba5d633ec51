import type { Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { EntryPoint as EntryPointSettings } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ServedEntryPoint } from "../builder/live-state.ts";
import type { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import { peerAddressOf } from "../connection/peer-address.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import { HandlerSwitcher } from "../switcher/handler-switcher.ts";
import type { ConnectionFacts } from "../tcp/connection-facts.ts";
import type { TcpServing } from "../tcp/tcp-handler.ts";
import type { TcpRouter } from "../tcp/tcp-router.ts";
import { TlsAcceptor, type TlsRequest, type TlsRoute } from "../tls/tls-acceptor.ts";
import { EntryPointRuntime } from "./entry-point-runtime.ts";

export interface EntryPointInit {
  readonly counters: RequestCounters;
  readonly sweeper: DeadlineSweeper;
  readonly log: Logger;
}

/**
 * An entry point in one worker. Where no router takes TLS, a TCP router that matches gets the connection before anything
 * is read of it, else it is HTTP. Elsewhere its first bytes decide: TLS connections go to HTTP or TCP routers by what
 * their ClientHello says, others to a TCP router that matches, else they are HTTP. A connection keeps the TCP handler it
 * began with; each HTTP request takes the handler of its moment.
 */
export class EntryPoint {
  readonly name: string;
  readonly #init: EntryPointInit;
  readonly #http: HandlerSwitcher<HttpHandler>;
  readonly #https: HandlerSwitcher<HttpHandler>;
  #served: ServedEntryPoint;
  #settings: EntryPointSettings;
  /** Connections since the last drain: those of a listener that is gone drain while a new one's come in. */
  #runtime: EntryPointRuntime;

  constructor(served: ServedEntryPoint, init: EntryPointInit) {
    const { plan, tables } = served;
    this.#served = served;
    this.name = plan.name;
    this.#init = init;
    this.#http = new HandlerSwitcher(tables.httpHandler);
    this.#https = new HandlerSwitcher(tables.tlsHandler);
    this.#settings = plan.settings;
    this.#runtime = this.#newRuntime();
  }

  switchTo(served: ServedEntryPoint): void {
    const {
      plan: { settings },
      tables,
    } = served;
    this.#served = served;
    if (settings !== this.#settings) this.#runtime.updateSettings(settings);
    this.#settings = settings;
    this.#http.switchTo(tables.httpHandler);
    this.#https.switchTo(tables.tlsHandler);
  }

  /** Takes the socket over; it may be paused. */
  accept(socket: Socket): void {
    const { tables } = this.#served;
    if (tables.looksBeforeRouting) this.#look(socket);
    else if (tables.answersTls && tables.tcp.find(plainFacts(socket)) === undefined) {
      this.#look(socket);
    } else this.#servePlain(socket, this.#runtime);
  }

  /** Lets the connections of this moment finish within the entry point's grace; later ones are not touched. */
  async drain(): Promise<void> {
    const runtime = this.#runtime;
    this.#runtime = this.#newRuntime();
    await runtime.drain(this.#settings.graceTimeoutMs);
  }

  #look(socket: Socket): void {
    const runtime = this.#runtime;
    new TlsAcceptor(socket, {
      readTimeoutMs: this.#settings.readTimeoutMs,
      answersPostgres: this.#served.tables.tcpTls.size > 0,
      connections: runtime.connections,
      sweeper: this.#init.sweeper,
      servePlain: (plain) => this.#servePlain(plain, runtime),
      routeTls: (request) => this.#routeTls(request, runtime),
      credentialsFor: (options, name) => this.#served.tls.credentialsFor(options, name),
    });
  }

  #servePlain(socket: Socket, runtime: EntryPointRuntime): void {
    const router = this.#served.tables.tcp.find(plainFacts(socket));
    if (router === undefined) runtime.serve(socket);
    else serveTcp(router, socket, { connections: runtime.connections, asksForTls: false });
  }

  #routeTls(request: TlsRequest, runtime: EntryPointRuntime): TlsRoute {
    const { socket, serverName, alpnProtocols, isPostgres } = request;
    const { tables } = this.#served;
    const facts = { serverName, alpnProtocols, peerAddress: peerAddressOf(socket) };
    const router = isPostgres ? tables.tcpTls.find(facts) : tables.findTcpTls(facts);
    const tls = router?.plan.tls;
    if (router === undefined || tls === undefined) {
      return isPostgres ? { kind: "refuse" } : this.#routeHttps(serverName, runtime);
    }
    const { connections } = runtime;
    if (tls.isPassthrough) {
      const serving = { connections, asksForTls: isPostgres };
      return { kind: "passThrough", serve: (raw) => serveTcp(router, raw, serving) };
    }
    const serving = { connections, asksForTls: false };
    return {
      kind: "terminate",
      options: tls.options,
      protocols: (configured) => (configured.length > 0 ? configured : tls.alpnProtocols),
      serve: (opened) => serveTcp(router, opened, serving),
    };
  }

  #routeHttps(serverName: string, runtime: EntryPointRuntime): TlsRoute {
    const options = this.#served.tables.tlsOptionsFor(serverName);
    return {
      kind: "terminate",
      options,
      protocols: httpProtocols,
      serve: (opened) => runtime.serveTls(opened, options),
    };
  }

  #newRuntime(): EntryPointRuntime {
    return new EntryPointRuntime({
      name: this.name,
      settings: this.#settings,
      handler: this.#http,
      tlsHandler: this.#https,
      ...this.#init,
    });
  }
}

function httpProtocols(configured: readonly string[]): readonly string[] {
  return configured.length === 0 ? ["h2", "http/1.1"] : configured;
}

function plainFacts(socket: Socket): ConnectionFacts {
  return { serverName: "", alpnProtocols: [], peerAddress: peerAddressOf(socket) };
}

function serveTcp(router: TcpRouter, client: Socket, serving: TcpServing): void {
  router.service.current.serve(client, serving);
}
