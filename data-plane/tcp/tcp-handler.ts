import type { Socket } from "node:net";
import type { ConnectionSet } from "../connection/connection-set.ts";

export interface TcpServing {
  readonly connections: ConnectionSet;
  /**
   * The client has asked for TLS the way Postgres clients do, and has been let in: its server has to hear of that before
   * its bytes make sense there.
   */
  readonly asksForTls: boolean;
}

/** Takes a connection over; it must end up closed, and be tracked until then. */
export interface TcpHandler {
  /** Of `client` nothing has been read that will not be read again. */
  serve(client: Socket, serving: TcpServing): void;
}

export const closeAtOnce: TcpHandler = {
  serve(client) {
    client.destroy();
  },
};
