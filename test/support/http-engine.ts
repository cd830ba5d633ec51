/** The HTTP engine on a listener of its own, without a fleet around it. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { DeadlineSweeper } from "../../data-plane/connection/deadline-sweeper.ts";
import { EntryPointRuntime } from "../../data-plane/entry-point/entry-point-runtime.ts";
import type { HttpHandler } from "../../data-plane/http/http-exchange.ts";
import { RequestCounters } from "../../data-plane/metrics/request-counters.ts";
import {
  UpstreamServer,
  type UpstreamServerInit,
} from "../../data-plane/upstream/upstream-server.ts";
import { EntryPoint, ForwardedHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { RecordingLog } from "./recording-log.ts";

export interface HttpEngineInit {
  readonly settings?: Partial<EntryPoint>;
  /** Default: everything goes to `originPort`. */
  readonly handler?: HttpHandler;
  readonly originPort?: number;
  readonly upstream?: Partial<UpstreamServerInit>;
}

export class HttpEngine implements AsyncDisposable {
  readonly sweeper = new DeadlineSweeper(5);
  readonly counters = new RequestCounters("web");
  readonly log = new RecordingLog();
  readonly upstream: UpstreamServer;
  readonly entryPoint: EntryPointRuntime;
  readonly #server: Server;

  private constructor(init: HttpEngineInit) {
    const port = init.originPort ?? 1;
    this.upstream = new UpstreamServer({
      host: "127.0.0.1",
      port,
      authority: `127.0.0.1:${port}`,
      path: "",
      preservePath: false,
      passHostHeader: true,
      transport: {
        dialTimeoutMs: 5_000,
        responseHeaderTimeoutMs: 0,
        idleConnectionTimeoutMs: 0,
        maxIdleConnectionsPerHost: 20,
      },
      sweeper: this.sweeper,
      ...init.upstream,
    });
    const forward = { handle: this.upstream.forward.bind(this.upstream) };
    this.entryPoint = new EntryPointRuntime({
      name: "web",
      settings: EntryPoint.create({
        maxHeaderBytes: 1_048_576,
        sanitizePath: true,
        forwardedHeaders: ForwardedHeaders.create(),
        ...init.settings,
      }),
      handler: { current: init.handler ?? forward },
      counters: this.counters,
      sweeper: this.sweeper,
      log: this.log,
    });
    const options = { pauseOnConnect: true, allowHalfOpen: true };
    this.#server = createServer(options, (socket) => this.entryPoint.serve(socket));
  }

  static async start(init: HttpEngineInit = {}): Promise<HttpEngine> {
    const engine = new HttpEngine(init);
    engine.#server.listen(0, "127.0.0.1");
    await once(engine.#server, "listening");
    return engine;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Rows of the entry point's counters as `METHOD STATUS count`. */
  get counted(): readonly string[] {
    return this.counters
      .report()
      .rows.map(({ method, status, count }) => `${method} ${status} ${count}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.entryPoint.drain(0);
    this.upstream.close();
    this.#server.close();
    await once(this.#server, "close");
  }
}
