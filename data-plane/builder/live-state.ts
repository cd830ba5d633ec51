import type { EntryPoint, NodeSettings } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { GuardedHandler } from "../entry-point/guarded-handler.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { CounterFamily } from "../metrics/counter-registry.ts";
import { ChildRouteMap } from "../routing/child-routes.ts";
import { HttpRouter, type HttpRouterPlan } from "../routing/http-router.ts";
import { notFound } from "../routing/not-found.ts";
import { RoutedHandler } from "../routing/routed-handler.ts";
import { RoutingIndex } from "../routing/routing-index.ts";
import { type Cell, CellMap } from "../switcher/cell.ts";
import { closeAtOnce, type TcpHandler } from "../tcp/tcp-handler.ts";
import { TcpRouter, type TcpRouterPlan, TcpRouteTable } from "../tcp/tcp-router.ts";

/** What an entry point routes by: made when first named, by itself or by a router. */
export class EntryPointTables {
  readonly http = new RoutingIndex<HttpRouter>();
  readonly tcp = new TcpRouteTable();
  readonly #open: HttpHandler = new RoutedHandler(this.http);
  #guarded: GuardedHandler | undefined;

  get httpHandler(): HttpHandler {
    return this.#guarded ?? this.#open;
  }

  guardBy(settings: EntryPoint, middlewares: CellMap<HttpHandler>): void {
    this.release();
    const { httpMiddlewares: middlewareNames, deniedPathCharacters: deniedCharacters } = settings;
    this.#guarded =
      middlewareNames.length === 0 && deniedCharacters === ""
        ? undefined
        : new GuardedHandler({ index: this.http, middlewareNames, deniedCharacters, middlewares });
  }

  /** What still drains keeps the handler it has. */
  release(): void {
    this.#guarded?.release();
  }
}

/** An entry point that exists. */
export interface ServedEntryPoint {
  readonly plan: EntryPointPlan;
  readonly tables: EntryPointTables;
}

export interface EntryPointPlan {
  readonly name: string;
  readonly fingerprint: string;
  readonly settings: EntryPoint;
}

export interface NodeSettingsPlan {
  readonly fingerprint: string;
  readonly settings: NodeSettings;
}

/**
 * Everything a worker routes by, keyed by name and bound together. Nothing here can fail: plans have been checked. The
 * same methods edit a state that serves (a change costs what changed) and fill a new one beside it.
 */
export class LiveState {
  readonly services = new CellMap<HttpHandler>(notFound);
  readonly middlewares = new CellMap<HttpHandler>(notFound);
  readonly tcpServices = new CellMap<TcpHandler>(closeAtOnce);
  readonly children = new ChildRouteMap();
  readonly #entryPoints = new Map<string, ServedEntryPoint>();
  readonly #tables = new Map<string, EntryPointTables>();
  readonly #routers = new Map<string, HttpRouter>();
  readonly #tcpRouters = new Map<string, TcpRouter>();
  readonly #routerCounters: CounterFamily;
  nodeSettings: NodeSettingsPlan | undefined;

  constructor(routerCounters: CounterFamily) {
    this.#routerCounters = routerCounters;
  }

  get entryPoints(): ReadonlyMap<string, ServedEntryPoint> {
    return this.#entryPoints;
  }

  get routers(): ReadonlyMap<string, HttpRouter> {
    return this.#routers;
  }

  get tcpRouters(): ReadonlyMap<string, TcpRouter> {
    return this.#tcpRouters;
  }

  putEntryPoint(plan: EntryPointPlan): void {
    const tables = this.#tablesOf(plan.name);
    tables.guardBy(plan.settings, this.middlewares);
    this.#entryPoints.set(plan.name, { plan, tables });
  }

  /**
   * Its tables stay as they are, for connections that are still draining: nothing here knows them any more. So an entry
   * point that comes back needs a new state, as its routers are not looked for.
   */
  removeEntryPoint(name: string): void {
    this.#tables.get(name)?.release();
    this.#entryPoints.delete(name);
    this.#tables.delete(name);
  }

  putRouter(plan: HttpRouterPlan): void {
    const router = new HttpRouter(plan, {
      middlewares: this.middlewares.referAll(plan.middlewares),
      service: this.#serviceOf(plan),
      counters: this.#routerCounters,
    });
    this.removeRouter(plan.name);
    this.#routers.set(plan.name, router);
    for (const name of router.entryPoints) {
      const index = this.#tablesOf(name).http;
      for (const placement of router.placements) index.add(placement);
    }
    for (const name of router.parents) {
      const { index } = this.children.refer(name);
      for (const placement of router.placements) index.add(placement);
    }
  }

  #serviceOf({ name, service }: HttpRouterPlan): Cell<HttpHandler> {
    return service === "" ? this.children.refer(name).service : this.services.refer(service);
  }

  removeRouter(name: string): void {
    const router = this.#routers.get(name);
    if (router === undefined) return;
    this.#routers.delete(name);
    for (const entryPoint of router.entryPoints) {
      const index = this.#tables.get(entryPoint)?.http;
      if (index === undefined) continue;
      for (const placement of router.placements) index.remove(placement);
    }
    for (const parent of router.parents) {
      const index = this.children.release(parent)?.index;
      if (index === undefined) continue;
      for (const placement of router.placements) index.remove(placement);
    }
    this.middlewares.releaseAll(router.middlewares);
    if (router.service.name === "") this.children.release(name);
    else this.services.release(router.service);
  }

  putTcpRouter(plan: TcpRouterPlan): void {
    const router = new TcpRouter(plan, this.tcpServices.refer(plan.service));
    this.removeTcpRouter(plan.name);
    this.#tcpRouters.set(plan.name, router);
    for (const name of plan.entryPoints) this.#tablesOf(name).tcp.add(router);
  }

  removeTcpRouter(name: string): void {
    const router = this.#tcpRouters.get(name);
    if (router === undefined) return;
    this.#tcpRouters.delete(name);
    for (const entryPoint of router.plan.entryPoints) {
      this.#tables.get(entryPoint)?.tcp.remove(router);
    }
    this.tcpServices.release(router.service);
  }

  #tablesOf(entryPoint: string): EntryPointTables {
    let tables = this.#tables.get(entryPoint);
    if (tables === undefined) {
      tables = new EntryPointTables();
      this.#tables.set(entryPoint, tables);
    }
    return tables;
  }
}
