import { byText } from "../../foundation/by-text.ts";
import type { Cell } from "../switcher/cell.ts";
import type { UdpHandler } from "./udp-handler.ts";

export interface UdpRouterPlan {
  readonly name: string;
  readonly fingerprint: string;
  readonly entryPoints: readonly string[];
  readonly service: string;
}

export interface UdpRouter {
  readonly plan: UdpRouterPlan;
  readonly service: Cell<UdpHandler>;
}

/** The UDP routers of an entry point. There are no rules: the last by name serves. */
export class UdpRouteTable {
  readonly #routers = new Map<string, UdpRouter>();
  #winner: UdpRouter | undefined;

  get winner(): UdpRouter | undefined {
    return this.#winner;
  }

  add(router: UdpRouter): void {
    this.#routers.set(router.plan.name, router);
    this.#winner = later(this.#winner, router);
  }

  remove({ plan }: UdpRouter): void {
    this.#routers.delete(plan.name);
    if (this.#winner?.plan.name !== plan.name) return;
    this.#winner = undefined;
    for (const router of this.#routers.values()) this.#winner = later(this.#winner, router);
  }
}

function later(a: UdpRouter | undefined, b: UdpRouter): UdpRouter {
  return a !== undefined && byText(a.plan.name, b.plan.name) > 0 ? a : b;
}
