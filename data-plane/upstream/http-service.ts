import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import type { CounterFamily } from "../metrics/counter-registry.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import type { Definition } from "../switcher/cell.ts";
import { EarliestDeadlineFirst } from "./earliest-deadline-first.ts";

/** A server behind a service with its connections. */
export interface HttpUpstream {
  forward(exchange: HttpExchange): void;
  /** No new requests come; open ones finish. */
  close(): void;
}

export interface ServiceServer {
  /** Everything that decides how it is reached and what it is sent: equal means the same server. */
  readonly key: string;
  readonly weight: number;
  readonly upstream: HttpUpstream;
}

export interface HttpServiceInit {
  readonly name: string;
  readonly fingerprint: string;
  /** In the order they take turns in. */
  readonly servers: readonly ServiceServer[];
  readonly counters: CounterFamily;
}

/** Spreads requests over its servers. */
export class HttpService implements HttpHandler, Definition<HttpHandler> {
  readonly members: readonly string[] = noMembers;
  readonly #init: HttpServiceInit;
  readonly #balancer: EarliestDeadlineFirst<HttpUpstream>;
  #counters: RequestCounters | undefined;

  constructor(init: HttpServiceInit) {
    this.#init = init;
    this.#balancer = new EarliestDeadlineFirst(
      init.servers.map(({ upstream, weight }) => ({ item: upstream, weight })),
    );
  }

  get fingerprint(): string {
    return this.#init.fingerprint;
  }

  get servers(): readonly ServiceServer[] {
    return this.#init.servers;
  }

  bind(): HttpHandler {
    return this;
  }

  /** Goes on with the turns of the version it replaces. */
  continueFrom(previous: HttpService): void {
    this.#balancer.continueFrom(previous.#balancer);
  }

  handle(exchange: HttpExchange): void {
    const { name, counters } = this.#init;
    this.#counters ??= counters.of(name);
    exchange.serviceCounters = this.#counters;
    const upstream = this.#balancer.next();
    if (upstream === undefined) exchange.respond(503, "no available server\n");
    else upstream.forward(exchange);
  }
}

const noMembers: readonly string[] = [];
