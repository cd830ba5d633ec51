import { compareRoutes, type Route } from "../routing/route.ts";
import type { Cell } from "../switcher/cell.ts";
import type { ConnectionFacts, TcpPredicate } from "./connection-facts.ts";
import type { TcpHandler } from "./tcp-handler.ts";

export interface TcpRouterPlan extends Route {
  readonly fingerprint: string;
  readonly entryPoints: readonly string[];
  readonly matches: TcpPredicate;
  readonly service: string;
}

export class TcpRouter implements Route {
  readonly plan: TcpRouterPlan;
  readonly name: string;
  readonly priority: number | bigint;
  readonly precedence: number;
  readonly service: Cell<TcpHandler>;

  constructor(plan: TcpRouterPlan, service: Cell<TcpHandler>) {
    this.plan = plan;
    this.name = plan.name;
    this.priority = plan.priority;
    this.precedence = plan.precedence;
    this.service = service;
  }
}

/** The TCP routers of an entry point in order. */
export class TcpRouteTable {
  readonly #routers: TcpRouter[] = [];

  /** At accept, before anything is read. */
  find(peerAddress: string): TcpRouter | undefined {
    return this.findFor({ serverName: "", alpnProtocols: [], peerAddress });
  }

  findFor(facts: ConnectionFacts): TcpRouter | undefined {
    for (const router of this.#routers) if (router.plan.matches(facts)) return router;
    return undefined;
  }

  add(router: TcpRouter): void {
    const index = this.#routers.findIndex((other) => compareRoutes(router, other) < 0);
    this.#routers.splice(index === -1 ? this.#routers.length : index, 0, router);
  }

  remove(router: TcpRouter): void {
    const index = this.#routers.indexOf(router);
    if (index !== -1) this.#routers.splice(index, 1);
  }
}
