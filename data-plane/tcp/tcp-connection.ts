import { connect, type Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { TcpServer, TcpTransport } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { TrackedConnection } from "../connection/connection-set.ts";
import { sslAccepted, sslRequest } from "./postgres-request.ts";
import { splice } from "./splice.ts";
import type { TcpServing } from "./tcp-handler.ts";

export interface TcpConnectionInit {
  /** Paused: nothing of it has been read. */
  readonly client: Socket;
  readonly server: TcpServer;
  readonly service: string;
  readonly transport: TcpTransport;
  readonly serving: TcpServing;
  readonly log: Logger;
}

/** As for every accepted connection in Traefik. */
const clientKeepAliveMs = 180_000;

/** A client's connection and the one to its server; it goes on as it began, whatever is switched in meanwhile. */
export class TcpConnection implements TrackedConnection {
  readonly #init: TcpConnectionInit;
  readonly #upstream: Socket;
  readonly #dialTimer: NodeJS.Timeout | undefined;
  /** The server is there, and ready for the client's bytes. */
  #isConnected: boolean = false;
  #open = 2;

  constructor(init: TcpConnectionInit) {
    this.#init = init;
    const { client, server, transport, serving } = init;
    this.#upstream = connect({
      host: server.host,
      port: server.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: transport.dialKeepAliveMs > 0,
      keepAliveInitialDelay: transport.dialKeepAliveMs,
    });
    serving.connections.add(this);
    client.setNoDelay(true);
    client.setKeepAlive(true, clientKeepAliveMs);
    client.on("error", (error) => this.#clientFailed(error));
    this.#upstream.on("error", (error) => this.#serverFailed(error));
    this.#upstream.once("close", () => clearTimeout(this.#dialTimer));
    this.#watch(client);
    this.#watch(this.#upstream);
    this.#upstream.once("connect", () => {
      if (serving.asksForTls) this.#askForTls();
      else this.#connected();
    });
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

  /** The client has been told that TLS may begin: a server that does not want it is no server for this client. */
  #askForTls(): void {
    const upstream = this.#upstream;
    upstream.write(sslRequest);
    const refused = () => upstream.destroy(new Error("it does not take TLS"));
    upstream.once("end", refused);
    upstream.once("data", (answer: Buffer) => {
      upstream.off("end", refused);
      upstream.pause();
      if (answer[0] !== sslAccepted) {
        refused();
        return;
      }
      if (answer.length > 1) upstream.unshift(answer.subarray(1));
      this.#connected();
    });
  }

  #connected(): void {
    clearTimeout(this.#dialTimer);
    this.#isConnected = true;
    const { client, transport } = this.#init;
    const { terminationDelayMs } = transport;
    splice({ client, upstream: this.#upstream, terminationDelayMs });
  }

  #watch(socket: Socket): void {
    socket.once("close", () => {
      this.#open -= 1;
      if (this.#open === 0) this.#init.serving.connections.delete(this);
      else if (!this.#isConnected) this.destroy();
    });
  }

  #clientFailed(error: Error): void {
    const { service, log } = this.#init;
    log.debug("tcp client failed", { service, error });
  }

  #serverFailed(error: Error): void {
    const { server, service, log } = this.#init;
    const fields = { service, server: `${server.host}:${server.port}`, error };
    if (this.#isConnected) {
      log.debug("tcp connection failed", fields);
      return;
    }
    log.warn("cannot reach tcp server", fields);
    this.destroy();
  }
}
