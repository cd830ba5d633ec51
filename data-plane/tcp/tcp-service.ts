import type { Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { TcpServer, TcpTransport } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { Definition } from "../switcher/cell.ts";
import { TcpConnection } from "./tcp-connection.ts";
import type { TcpHandler, TcpServing } from "./tcp-handler.ts";

export interface TcpServiceInit {
  readonly name: string;
  readonly fingerprint: string;
  /** In the order they take turns in. */
  readonly servers: readonly TcpServer[];
  /** Read when a connection is made. */
  readonly transport: { readonly tcp: TcpTransport };
  readonly log: Logger;
}

/** Servers take turns, connection by connection. Without a server, or when it cannot be reached, the client is closed. */
export class TcpService implements TcpHandler, Definition<TcpHandler> {
  readonly members: readonly string[] = [];
  readonly #init: TcpServiceInit;
  #next = 0;

  constructor(init: TcpServiceInit) {
    this.#init = init;
  }

  get fingerprint(): string {
    return this.#init.fingerprint;
  }

  bind(): TcpHandler {
    return this;
  }

  serve(client: Socket, serving: TcpServing): void {
    const { name, servers, transport, log } = this.#init;
    const server = servers[this.#next % servers.length];
    if (server === undefined) {
      client.destroy();
      return;
    }
    this.#next = (this.#next + 1) % servers.length;
    new TcpConnection({
      client,
      server,
      service: name,
      transport: transport.tcp,
      serving,
      log,
    });
  }
}
