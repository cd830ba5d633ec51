import type { Socket } from "node:net";
import type { ConnectionSet } from "../connection/connection-set.ts";

/** Takes a connection over; it must end up closed, and be tracked until then. */
export interface TcpHandler {
  serve(client: Socket, connections: ConnectionSet): void;
}

export const closeAtOnce: TcpHandler = {
  serve(client) {
    client.destroy();
  },
};
