import type { HttpTransport } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import type { ForwardedExchange, ForwardTarget, HttpExchange } from "../http/http-exchange.ts";
import { UpstreamConnection, type UpstreamPool } from "./upstream-connection.ts";
import type { UpstreamAddress } from "./write-request-head.ts";

export interface UpstreamServerInit extends UpstreamAddress {
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: HttpTransport;
  /** One per worker. */
  readonly sweeper: DeadlineSweeper;
}

/** What a limit of 0 idle connections means in Traefik's library. */
const defaultMaxIdle = 2;

/** A server of a service, with its keep-alive connections; the most recently used one serves next. */
export class UpstreamServer implements ForwardTarget, UpstreamPool {
  readonly host: string;
  readonly port: number;
  readonly address: UpstreamAddress;
  readonly transport: HttpTransport;
  readonly sweeper: DeadlineSweeper;
  readonly #idle: UpstreamConnection[] = [];
  readonly #maxIdle: number;
  #isClosed: boolean = false;

  constructor(init: UpstreamServerInit) {
    this.host = init.host;
    this.port = init.port;
    this.address = init;
    this.transport = init.transport;
    this.sweeper = init.sweeper;
    const { maxIdleConnectionsPerHost } = init.transport;
    this.#maxIdle = maxIdleConnectionsPerHost === 0 ? defaultMaxIdle : maxIdleConnectionsPerHost;
  }

  get idleConnections(): number {
    return this.#idle.length;
  }

  forward(exchange: HttpExchange): void {
    exchange.forwardTo(this);
  }

  begin(exchange: ForwardedExchange): void {
    const connection = this.#idle.pop();
    if (connection === undefined) this.dial(exchange);
    else connection.begin(exchange);
  }

  dial(exchange: ForwardedExchange): void {
    new UpstreamConnection(this, exchange);
  }

  release(connection: UpstreamConnection): boolean {
    if (this.#isClosed || this.#idle.length >= this.#maxIdle) return false;
    this.#idle.push(connection);
    return true;
  }

  closed(connection: UpstreamConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  /**
   * The server is out of the configuration: idle connections close now, busy ones once their response has ended. A
   * request that still arrives, from a handler list begun before the swap, is served.
   */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}
