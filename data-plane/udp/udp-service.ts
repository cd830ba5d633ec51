import type { Cell, Definition } from "../switcher/cell.ts";
import { maxUdpServiceDepth, type UdpHandler } from "./udp-handler.ts";
import type { UdpServer } from "./udp-server.ts";
import { WeightedTurns } from "./weighted-turns.ts";

export interface UdpLoadBalancerInit {
  readonly fingerprint: string;
  /** In the order they take turns in. */
  readonly servers: readonly UdpServer[];
}

/** Servers take turns, session by session. */
export class UdpLoadBalancer implements UdpHandler, Definition<UdpHandler> {
  readonly members: readonly string[] = [];
  readonly fingerprint: string;
  readonly #servers: readonly UdpServer[];
  #next = 0;

  constructor({ fingerprint, servers }: UdpLoadBalancerInit) {
    this.fingerprint = fingerprint;
    this.#servers = servers;
  }

  bind(): UdpHandler {
    return this;
  }

  choose(): UdpServer | undefined {
    const server = this.#servers[this.#next];
    this.#next = (this.#next + 1) % Math.max(1, this.#servers.length);
    return server;
  }

  collect(keys: Set<string>): void {
    for (const { key } of this.#servers) keys.add(key);
  }
}

export interface UdpWeightedInit {
  readonly fingerprint: string;
  /** In the order they take turns in. */
  readonly services: readonly { readonly name: string; readonly weight: number }[];
}

/** Services take turns by their weights. One without a server keeps its turn: the session does not come about. */
export class UdpWeighted implements Definition<UdpHandler> {
  readonly members: readonly string[];
  readonly fingerprint: string;
  readonly #turns: WeightedTurns;

  constructor({ fingerprint, services }: UdpWeightedInit) {
    this.fingerprint = fingerprint;
    this.members = services.map(({ name }) => name);
    this.#turns = new WeightedTurns(services.map(({ weight }) => weight));
  }

  bind(cells: readonly Cell<UdpHandler>[]): UdpHandler {
    const handler: UdpHandler = {
      choose: (depth) => {
        const turn = depth >= maxUdpServiceDepth ? undefined : this.#turns.next();
        return turn === undefined ? undefined : cells[turn]?.current.choose(depth + 1);
      },
      collect: (keys, seen) => {
        if (seen.has(handler)) return;
        seen.add(handler);
        for (const { current } of cells) current.collect(keys, seen);
      },
    };
    return handler;
  }
}
