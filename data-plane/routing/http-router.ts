import { TextPool } from "../../foundation/text-pool.ts";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import type { CounterFamily } from "../metrics/counter-registry.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import type { Cell } from "../switcher/cell.ts";
import { Placement, type PlacementKey } from "./placement.ts";
import type { Route } from "./route.ts";

/** A router before its names are bound to cells: everything that can fail has been done. */
export interface HttpRouterPlan extends Route {
  readonly fingerprint: string;
  readonly entryPoints: readonly string[];
  /** Never together with entry points. */
  readonly parents: readonly string[];
  readonly keys: readonly PlacementKey[];
  readonly middlewares: readonly string[];
  /** "": the routers behind this one take over. */
  readonly service: string;
  /** Of its own TLS; it answers TLS requests only then. */
  readonly tlsOptions: string | undefined;
  /** Entry points where the default TLS options count instead. */
  readonly defaultTlsOn: readonly string[];
}

export interface HttpRouterBinding {
  readonly middlewares: readonly Cell<HttpHandler>[];
  readonly service: Cell<HttpHandler>;
  readonly counters: CounterFamily;
}

const anyHost = "*";

/** Every router of a provider has the same string. */
const providers = new TextPool(256);

/** Runs its middlewares, then its service; both are read from their cells by each request. */
export class HttpRouter implements HttpHandler, Route {
  readonly name: string;
  /** What follows the last "@" of the name. */
  readonly provider: string;
  readonly priority: number | bigint;
  readonly precedence: number;
  readonly fingerprint: string;
  readonly entryPoints: readonly string[];
  readonly parents: readonly string[];
  readonly placements: readonly Placement<HttpRouter>[];
  /** Whether a request it matches has a host of its rule: it has, it may have, or the rule names none. */
  readonly namesHost: "always" | "partly" | "never";
  readonly middlewares: readonly Cell<HttpHandler>[];
  readonly service: Cell<HttpHandler>;
  readonly tlsOptions: string | undefined;
  readonly defaultTlsOn: readonly string[];
  readonly #family: CounterFamily;
  #counters: RequestCounters | undefined;

  constructor(plan: HttpRouterPlan, { middlewares, service, counters }: HttpRouterBinding) {
    this.name = plan.name;
    this.provider = providers.of(plan.name.slice(plan.name.lastIndexOf("@") + 1));
    this.priority = plan.priority;
    this.precedence = plan.precedence;
    this.fingerprint = plan.fingerprint;
    this.entryPoints = plan.entryPoints;
    this.parents = plan.parents;
    this.placements = plan.keys.map((key) => new Placement<HttpRouter>(this, key));
    const named = plan.keys.filter(({ host }) => host !== anyHost).length;
    this.namesHost = named === plan.keys.length ? "always" : named > 0 ? "partly" : "never";
    this.middlewares = middlewares;
    this.service = service;
    this.tlsOptions = plan.tlsOptions;
    this.defaultTlsOn = plan.defaultTlsOn;
    this.#family = counters;
  }

  handle(exchange: HttpExchange): void {
    if (this.count(exchange)) exchange.run(this.middlewares, this.service);
    else exchange.respond(500, "Internal Server Error");
  }

  /**
   * Whatever answers from here on, the exchange is this router's, beside the parents it came through. False when this
   * router is one of them: a tree that leads back to itself would be walked for ever.
   */
  count(exchange: HttpExchange): boolean {
    this.#counters ??= this.#family.of(this.name); // made when first used: most of 100,000 routers never are
    const parent = exchange.routerCounters;
    if (parent !== undefined) {
      const { outerRouterCounters } = exchange;
      if (parent === this.#counters || outerRouterCounters.includes(this.#counters)) return false;
      outerRouterCounters.push(parent);
    }
    exchange.routerCounters = this.#counters;
    return true;
  }

  /** To make the same router over other cells. */
  get plan(): HttpRouterPlan {
    return {
      name: this.name,
      priority: this.priority,
      precedence: this.precedence,
      fingerprint: this.fingerprint,
      entryPoints: this.entryPoints,
      parents: this.parents,
      keys: this.placements.map((placement) => placement.key),
      middlewares: this.middlewares.map(({ name }) => name),
      service: this.service.name,
      tlsOptions: this.tlsOptions,
      defaultTlsOn: this.defaultTlsOn,
    };
  }
}
