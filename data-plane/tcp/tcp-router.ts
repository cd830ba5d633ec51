import { compareRoutes, type Route } from "../routing/route.ts";
import type { Cell } from "../switcher/cell.ts";
import type { ConnectionFacts, TcpPredicate } from "./connection-facts.ts";
import type { TcpHandler } from "./tcp-handler.ts";

export interface TcpRouterPlan extends Route {
  readonly fingerprint: string;
  readonly entryPoints: readonly string[];
  readonly matches: TcpPredicate;
  /** One of them is asked for wherever `matches`; undefined: others may be, or none. */
  readonly serverNames: readonly string[] | undefined;
  /** Its rule is `HostSNI(*)` and nothing else. */
  readonly isCatchAll: boolean;
  readonly service: string;
  /** It takes TLS connections only; undefined: only those that are not. */
  readonly tls: TcpRouterTls | undefined;
}

interface TcpRouterTls {
  readonly options: string;
  readonly isPassthrough: boolean;
  /** What is agreed to where the options list nothing. */
  readonly alpnProtocols: readonly string[];
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

/**
 * The TCP routers of an entry point in order, by the server names they demand: what a decision or a changed router costs
 * depends on the routers for one name and on those that demand none, not on how many there are.
 */
export class TcpRouteTable {
  /** By name, or `*` for its first label. */
  readonly #byName = new Map<string, TcpRouter[]>();
  readonly #others: TcpRouter[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(facts: ConnectionFacts): TcpRouter | undefined {
    const others = firstMatch(this.#others, facts);
    const { serverName } = facts;
    if (serverName === "" || this.#byName.size === 0) return others;
    const name = serverName.endsWith(".") ? serverName.slice(0, -1) : serverName;
    const exact = firstMatch(this.#byName.get(name), facts);
    const dot = name.indexOf(".");
    const wildcard = dot <= 0 ? undefined : this.#byName.get(`*${name.slice(dot)}`);
    return winner(winner(exact, firstMatch(wildcard, facts)), others);
  }

  add(router: TcpRouter): void {
    this.#size += 1;
    const { serverNames } = router.plan;
    if (serverNames === undefined) insert(this.#others, router);
    for (const name of serverNames ?? []) {
      const list = this.#byName.get(name);
      if (list === undefined) this.#byName.set(name, [router]);
      else insert(list, router);
    }
  }

  remove(router: TcpRouter): void {
    this.#size -= 1;
    const { serverNames } = router.plan;
    if (serverNames === undefined) removeFrom(this.#others, router);
    for (const name of serverNames ?? []) {
      const list = this.#byName.get(name) ?? [];
      removeFrom(list, router);
      if (list.length === 0) this.#byName.delete(name);
    }
  }
}

function firstMatch(
  routers: readonly TcpRouter[] | undefined,
  facts: ConnectionFacts,
): TcpRouter | undefined {
  return routers?.find((router) => router.plan.matches(facts));
}

function winner(a: TcpRouter | undefined, b: TcpRouter | undefined): TcpRouter | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareRoutes(a, b) <= 0 ? a : b;
}

/** `routers` is in order. */
function insert(routers: TcpRouter[], router: TcpRouter): void {
  let [start, end] = [0, routers.length];
  while (start < end) {
    const middle = (start + end) >>> 1;
    const other = routers[middle];
    if (other !== undefined && compareRoutes(other, router) < 0) start = middle + 1;
    else end = middle;
  }
  routers.splice(start, 0, router);
}

function removeFrom(routers: TcpRouter[], router: TcpRouter): void {
  const index = routers.indexOf(router);
  if (index !== -1) routers.splice(index, 1);
}
