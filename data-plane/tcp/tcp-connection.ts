import { connect, type Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { TcpServer, TcpTransport } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ConnectionSet, TrackedConnection } from "../connection/connection-set.ts";
import { splice } from "./splice.ts";

export interface TcpConnectionInit {
  /** Paused: nothing of it has been read. */
  readonly client: Socket;
  readonly server: TcpServer;
  readonly service: string;
  readonly transport: TcpTransport;
  readonly connections: ConnectionSet;
  readonly log: Logger;
}

/** As for every accepted connection in Traefik. */
const clientKeepAliveMs = 180_000;

/** A client's connection and the one to its server; it goes on as it began, whatever is switched in meanwhile. */
export class TcpConnection implements TrackedConnection {
  readonly #init: TcpConnectionInit;
  readonly #upstream: Socket;
  readonly #dialTimer: NodeJS.Timeout | undefined;
  #isConnected: boolean = false;
  #open = 2;

  constructor(init: TcpConnectionInit) {
    this.#init = init;
    const { client, server, transport, connections } = init;
    this.#upstream = connect({
      host: server.host,
      port: server.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: transport.dialKeepAliveMs > 0,
      keepAliveInitialDelay: transport.dialKeepAliveMs,
    });
    connections.add(this);
    client.setNoDelay(true);
    client.setKeepAlive(true, clientKeepAliveMs);
    this.#watch(client);
    this.#watch(this.#upstream);
    this.#upstream.once("connect", () => this.#connected());
    if (transport.dialTimeoutMs > 0) {
      this.#dialTimer = setTimeout(() => {
        this.#upstream.destroy(new Error(`no answer within ${transport.dialTimeoutMs} ms`));
      }, transport.dialTimeoutMs);
    }
  }

  /** There is no telling when a stream of bytes is done: it gets the whole grace. */
  beginDrain(): void {}

  destroy(): void {
    this.#init.client.destroy();
    this.#upstream.destroy();
  }

  #connected(): void {
    clearTimeout(this.#dialTimer);
    this.#isConnected = true;
    const { client, transport } = this.#init;
    const { terminationDelayMs } = transport;
    splice({ client, upstream: this.#upstream, terminationDelayMs });
  }

  #watch(socket: Socket): void {
    socket.on("error", (error) => this.#failed(error));
    socket.once("close", () => {
      this.#open -= 1;
      if (this.#open === 0) this.#init.connections.delete(this);
      else if (!this.#isConnected) this.destroy();
    });
  }

  #failed(error: Error): void {
    const { server, service, log } = this.#init;
    const fields = { service, server: `${server.host}:${server.port}`, error };
    if (this.#isConnected) {
      log.debug("tcp connection failed", fields);
      return;
    }
    log.warn("cannot reach tcp server", fields);
    clearTimeout(this.#dialTimer);
    this.destroy();
  }
}
