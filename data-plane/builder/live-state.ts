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
import type { ConnectionFacts } from "../tcp/connection-facts.ts";
import { closeAtOnce, type TcpHandler } from "../tcp/tcp-handler.ts";
import { TcpRouter, type TcpRouterPlan, TcpRouteTable } from "../tcp/tcp-router.ts";
import { RouterTlsOptions } from "../tls/router-tls-options.ts";
import { TlsHosts } from "../tls/tls-hosts.ts";
import { defaultTlsOptions, TlsMaterial } from "../tls/tls-material.ts";
import { TlsRoutedHandler, type TlsRouting } from "../tls/tls-routed-handler.ts";
import { noUdpServer, type UdpHandler } from "../udp/udp-handler.ts";
import { type UdpRouter, type UdpRouterPlan, UdpRouteTable } from "../udp/udp-router.ts";

/** What an entry point routes by: made when first named, by itself or by a router. */
export class EntryPointTables {
  readonly http = new RoutingIndex<HttpRouter>();
  /** Routers with TLS of their own. */
  readonly https = new RoutingIndex<HttpRouter>();
  readonly tcp = new TcpRouteTable();
  /** TCP routers with TLS. */
  readonly tcpTls = new TcpRouteTable();
  readonly udp = new UdpRouteTable();
  readonly #name: string;
  readonly #open: HttpHandler = new RoutedHandler(this.http);
  #tlsRouting: TlsRouting;
  #openTls: HttpHandler;
  #guarded: GuardedHandler | undefined;
  #guardedTls: GuardedHandler | undefined;
  /** The entry point gives TLS to routers without: nothing is answered in plain text. */
  #isTlsOnly: boolean = false;
  #plainRouters = 0;
  #tlsRouters = 0;
  #tlsHosts = new TlsHosts();

  constructor(name: string) {
    this.#name = name;
    this.#tlsRouting = this.#routeTls(undefined);
    this.#openTls = new TlsRoutedHandler(this.#tlsRouting);
  }

  get httpHandler(): HttpHandler {
    return this.#isTlsOnly ? notFound : (this.#guarded ?? this.#open);
  }

  get tlsHandler(): HttpHandler {
    return this.#guardedTls ?? this.#openTls;
  }

  /** Whether any connection may be answered over TLS. */
  get answersTls(): boolean {
    return this.#isTlsOnly || this.looksBeforeRouting;
  }

  /**
   * Whether there is a router that takes TLS: then no connection is routed before its first bytes are there. Else TCP
   * routers take connections whose server speaks first.
   */
  get looksBeforeRouting(): boolean {
    if (this.#tlsRouters > 0 || this.tcpTls.size > 0) return true;
    return this.#isTlsOnly && this.#plainRouters > 0;
  }

  /**
   * Of a TLS connection; undefined: it is an HTTP one. HTTP comes first among those that name the server, and among
   * those for any server.
   */
  findTcpTls(facts: ConnectionFacts): TcpRouter | undefined {
    if (this.tcpTls.size === 0 || this.#tlsHosts.find(facts.serverName) !== undefined) {
      return undefined;
    }
    const router = this.tcpTls.find(facts);
    return router?.plan.isCatchAll === true && this.#tlsHosts.hasCatchAll ? undefined : router;
  }

  /** By server name. */
  tlsOptionsFor(serverName: string): string {
    const router = this.#tlsHosts.find(serverName);
    return router === undefined ? defaultTlsOptions : this.#tlsRouting.options.of(router);
  }

  /** `routers`: all there are. */
  guardBy(
    settings: EntryPoint,
    middlewares: CellMap<HttpHandler>,
    routers: Iterable<HttpRouter>,
  ): void {
    this.release();
    this.#tlsRouting = this.#routeTls(settings.httpTls?.options);
    this.#openTls = new TlsRoutedHandler(this.#tlsRouting);
    this.#setTlsOnly(settings.httpTls !== undefined, routers);
    const { httpMiddlewares: middlewareNames, deniedPathCharacters: deniedCharacters } = settings;
    const isOpen = middlewareNames.length === 0 && deniedCharacters === "";
    const common = { middlewareNames, deniedCharacters, middlewares };
    this.#guarded = isOpen ? undefined : new GuardedHandler({ routing: this.http, ...common });
    this.#guardedTls = isOpen
      ? undefined
      : new GuardedHandler({ routing: this.#tlsRouting, ...common });
  }

  addRouter(router: HttpRouter): void {
    const hasTls = router.tlsOptions !== undefined;
    const index = hasTls ? this.https : this.http;
    for (const placement of router.placements) index.add(placement);
    if (hasTls) this.#tlsRouters += 1;
    else this.#plainRouters += 1;
    if (hasTls || this.#isTlsOnly) this.#tlsHosts.add(router);
  }

  removeRouter(router: HttpRouter): void {
    const hasTls = router.tlsOptions !== undefined;
    const index = hasTls ? this.https : this.http;
    for (const placement of router.placements) index.remove(placement);
    if (hasTls) this.#tlsRouters -= 1;
    else this.#plainRouters -= 1;
    if (hasTls || this.#isTlsOnly) this.#tlsHosts.remove(router);
  }

  addTcpRouter(router: TcpRouter): void {
    this.#tableFor(router).add(router);
  }

  removeTcpRouter(router: TcpRouter): void {
    this.#tableFor(router).remove(router);
  }

  #tableFor({ plan }: TcpRouter): TcpRouteTable {
    return plan.tls === undefined ? this.tcp : this.tcpTls;
  }

  /** What still drains keeps the handler it has. */
  release(): void {
    this.#guarded?.release();
    this.#guardedTls?.release();
  }

  #routeTls(given: string | undefined): TlsRouting {
    const others = given === undefined ? undefined : this.http;
    return {
      index: this.https,
      others,
      options: new RouterTlsOptions(this.#name, given),
      optionsForHost: (host) => this.tlsOptionsFor(host),
    };
  }

  #setTlsOnly(isTlsOnly: boolean, routers: Iterable<HttpRouter>): void {
    if (isTlsOnly === this.#isTlsOnly) return;
    this.#isTlsOnly = isTlsOnly;
    this.#tlsHosts = new TlsHosts();
    for (const router of routers) {
      if (!router.entryPoints.includes(this.#name)) continue;
      if (isTlsOnly || router.tlsOptions !== undefined) this.#tlsHosts.add(router);
    }
  }
}

/** An entry point that exists. */
export interface ServedEntryPoint {
  readonly plan: EntryPointPlan;
  readonly tables: EntryPointTables;
  readonly tls: TlsMaterial;
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
  readonly udpServices = new CellMap<UdpHandler>(noUdpServer);
  readonly children = new ChildRouteMap();
  readonly tls = new TlsMaterial();
  readonly #entryPoints = new Map<string, ServedEntryPoint>();
  readonly #tables = new Map<string, EntryPointTables>();
  readonly #routers = new Map<string, HttpRouter>();
  readonly #tcpRouters = new Map<string, TcpRouter>();
  readonly #udpRouters = new Map<string, UdpRouter>();
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

  get udpRouters(): ReadonlyMap<string, UdpRouter> {
    return this.#udpRouters;
  }

  putEntryPoint(plan: EntryPointPlan): void {
    const tables = this.#tablesOf(plan.name);
    tables.guardBy(plan.settings, this.middlewares, this.#routers.values());
    this.#entryPoints.set(plan.name, { plan, tables, tls: this.tls });
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
    for (const name of router.entryPoints) this.#tablesOf(name).addRouter(router);
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
    for (const entryPoint of router.entryPoints) this.#tables.get(entryPoint)?.removeRouter(router);
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
    for (const name of plan.entryPoints) this.#tablesOf(name).addTcpRouter(router);
  }

  removeTcpRouter(name: string): void {
    const router = this.#tcpRouters.get(name);
    if (router === undefined) return;
    this.#tcpRouters.delete(name);
    for (const entryPoint of router.plan.entryPoints) {
      this.#tables.get(entryPoint)?.removeTcpRouter(router);
    }
    this.tcpServices.release(router.service);
  }

  putUdpRouter(plan: UdpRouterPlan): void {
    const router = { plan, service: this.udpServices.refer(plan.service) };
    this.removeUdpRouter(plan.name);
    this.#udpRouters.set(plan.name, router);
    for (const name of plan.entryPoints) this.#tablesOf(name).udp.add(router);
  }

  removeUdpRouter(name: string): void {
    const router = this.#udpRouters.get(name);
    if (router === undefined) return;
    this.#udpRouters.delete(name);
    for (const entryPoint of router.plan.entryPoints) {
      this.#tables.get(entryPoint)?.udp.remove(router);
    }
    this.udpServices.release(router.service);
  }

  #tablesOf(entryPoint: string): EntryPointTables {
    let tables = this.#tables.get(entryPoint);
    if (tables === undefined) {
      tables = new EntryPointTables(entryPoint);
      this.#tables.set(entryPoint, tables);
    }
    return tables;
  }
}
