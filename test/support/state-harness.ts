/** A worker's state without a worker: upstreams and entry points that can be looked at. */
import assert from "node:assert/strict";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { EntryPointTables } from "../../data-plane/builder/live-state.ts";
import { NodeTransport } from "../../data-plane/builder/node-transport.ts";
import { WorkerState } from "../../data-plane/builder/worker-state.ts";
import type { HttpExchange } from "../../data-plane/http/http-exchange.ts";
import { CounterRegistry } from "../../data-plane/metrics/counter-registry.ts";
import type { HttpUpstream } from "../../data-plane/upstream/http-service.ts";
import type { RejectedResource } from "../../data-plane/worker/worker-protocol.ts";
import type { HttpServer } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { changeParts } from "./data-plane-resources.ts";
import { RecordedExchange, type RecordedRequest } from "./recorded-exchange.ts";
import { silentLog } from "./silent-log.ts";

export class FakeUpstream implements HttpUpstream {
  readonly server: HttpServer;
  requests = 0;
  closed = 0;

  constructor(server: HttpServer) {
    this.server = server;
  }

  forward(exchange: HttpExchange): void {
    this.requests += 1;
    exchange.respond(200, `${this.server.authority}${exchange.path}`);
  }

  close(): void {
    this.closed += 1;
  }
}

export interface StateHarnessOptions {
  readonly sliceMs?: number;
  readonly maxEdits?: number;
}

export class StateHarness {
  readonly upstreams: FakeUpstream[] = [];
  /** What each was put with last: nothing looks into a state for it between changes. */
  readonly entryPoints = new Map<
    string,
    Pick<EntryPointTables, "http" | "httpHandler" | "tcp" | "tcpTls" | "udp">
  >();
  readonly counters = new CounterRegistry();
  readonly transport = new NodeTransport();
  readonly state: WorkerState;

  constructor(options: StateHarnessOptions = {}) {
    this.state = new WorkerState({
      makeUpstream: (server) => {
        const upstream = new FakeUpstream(server);
        this.upstreams.push(upstream);
        return upstream;
      },
      transport: this.transport,
      counters: this.counters,
      entryPoints: {
        put: ({ plan, tables: { http, httpHandler, tcp, tcpTls, udp } }) =>
          void this.entryPoints.set(plan.name, { http, httpHandler, tcp, tcpTls, udp }),
        remove: (name) => void this.entryPoints.delete(name),
      },
      log: silentLog,
      ...options,
    });
  }

  async apply(
    upserts: readonly Resource[],
    { removals = [], full = false }: { removals?: readonly ResourceKey[]; full?: boolean } = {},
  ): Promise<readonly RejectedResource[]> {
    const rejected = await this.build(upserts, { removals, full });
    await this.state.switch();
    assert(rejected !== undefined);
    return rejected;
  }

  async build(
    upserts: readonly Resource[],
    { removals = [], full = false }: { removals?: readonly ResourceKey[]; full?: boolean } = {},
  ): Promise<readonly RejectedResource[] | undefined> {
    this.state.begin(full);
    for (const part of changeParts(upserts, removals)) this.state.addPart(part);
    return await this.state.build();
  }

  /** Status and body, with a handler list run to its end. */
  ask(request: RecordedRequest = {}, entryPoint = "web"): string {
    const tables = this.entryPoints.get(entryPoint);
    if (tables === undefined) return "no entry point";
    const exchange = new RecordedExchange(request);
    tables.httpHandler.handle(exchange);
    return `${exchange.answer?.status} ${exchange.answer?.body.trim()}`;
  }

  upstreamOf(port: number): FakeUpstream | undefined {
    return this.upstreams.findLast(({ server }) => server.port === port);
  }
}
