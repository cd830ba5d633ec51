import type { UdpServer } from "./udp-server.ts";

/** Chooses the server of a new session. */
export interface UdpHandler {
  /** Undefined: there is none. `depth`: services it has been chosen through. */
  choose(depth: number): UdpServer | undefined;
  /** Adds the servers that may be chosen, by key; `seen` are the handlers that have done so. */
  collect(keys: Set<string>, seen: Set<UdpHandler>): void;
}

/** A weighted service that leads back to itself is refused by the control plane; here it ends. */
export const maxUdpServiceDepth = 32;

export const noUdpServer: UdpHandler = {
  choose: () => undefined,
  collect: () => {},
};
