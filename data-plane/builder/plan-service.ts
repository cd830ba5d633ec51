import { shuffled } from "../../foundation/shuffled.ts";
import type { HttpLoadBalancer, HttpServer } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { CounterFamily } from "../metrics/counter-registry.ts";
import { HttpService, type HttpUpstream, type ServiceServer } from "../upstream/http-service.ts";

/** What a server is made of beside what it says itself. */
export type MakeUpstream = (server: HttpServer, balancer: HttpLoadBalancer) => HttpUpstream;

export interface ServicePlanInit {
  readonly name: string;
  readonly fingerprint: string;
  readonly balancer: HttpLoadBalancer;
  /** The version that serves now: its unchanged servers are kept, connections and all. */
  readonly previous: HttpService | undefined;
  readonly makeUpstream: MakeUpstream;
  readonly counters: CounterFamily;
}

export interface ServicePlan {
  readonly service: HttpService;
  /** Made for this version: to be closed if it never serves. */
  readonly made: readonly HttpUpstream[];
}

/** Throws with the reason when this version cannot build it. */
export function planService(init: ServicePlanInit): ServicePlan {
  const { name, fingerprint, balancer, previous, makeUpstream, counters } = init;
  const known = new Map(previous?.servers.map((server) => [server.key, server.upstream]));
  const made: HttpUpstream[] = [];
  for (const { scheme, url } of balancer.servers) {
    if (scheme !== "http") {
      throw new Error(`server "${url}" has scheme "${scheme}", which is not supported`);
    }
  }
  const servers = balancer.servers.map((server): ServiceServer => {
    const key = serverKey(server, balancer);
    let upstream = known.get(key);
    known.delete(key); // the same server twice is two of them
    if (upstream === undefined) {
      upstream = makeUpstream(server, balancer);
      made.push(upstream);
    }
    return { key, weight: server.weight, upstream };
  });
  // Every worker of every node begins somewhere else, or they would all begin with the first.
  const order = previous === undefined ? shuffled(servers) : servers;
  return { service: new HttpService({ name, fingerprint, servers: order, counters }), made };
}

function serverKey(server: HttpServer, balancer: HttpLoadBalancer): string {
  const { weight: _, ...identity } = server;
  return JSON.stringify([identity, balancer.passHostHeader, balancer.flushIntervalMs]);
}
