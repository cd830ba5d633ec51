/** The HTTP engine with one route, counters on, no routing and no fleet: the part of the cost that is the engine's. */
import { createServer } from "node:net";
import { DeadlineSweeper } from "../../data-plane/connection/deadline-sweeper.ts";
import { EntryPointRuntime } from "../../data-plane/entry-point/entry-point-runtime.ts";
import type { HttpExchange } from "../../data-plane/http/http-exchange.ts";
import { RequestCounters } from "../../data-plane/metrics/request-counters.ts";
import { UpstreamServer } from "../../data-plane/upstream/upstream-server.ts";
import { createLog } from "../../foundation/pino-log.ts";

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const sweeper = new DeadlineSweeper();
const upstream = new UpstreamServer({
  host: "127.0.0.1",
  port: upstreamPort ?? 0,
  authority: `127.0.0.1:${upstreamPort}`,
  path: "",
  preservePath: false,
  passHostHeader: true,
  transport: {
    dialTimeoutMs: 30_000,
    responseHeaderTimeoutMs: 0,
    idleConnectionTimeoutMs: 90_000,
    maxIdleConnectionsPerHost: 200,
  },
  sweeper,
});
const routerCounters = new RequestCounters("router");
const serviceCounters = new RequestCounters("service");
const handler = {
  handle(exchange: HttpExchange) {
    exchange.routerCounters = routerCounters;
    exchange.serviceCounters = serviceCounters;
    upstream.forward(exchange);
  },
};
const entryPoint = new EntryPointRuntime({
  name: "web",
  settings: {
    host: "127.0.0.1",
    port: 0,
    readTimeoutMs: 60_000,
    writeTimeoutMs: 0,
    idleTimeoutMs: 180_000,
    requestAcceptGraceTimeoutMs: 0,
    graceTimeoutMs: 10_000,
    maxHeaderBytes: 1_048_576,
    keepAliveMaxTimeMs: 0,
    keepAliveMaxRequests: 0,
    sanitizePath: true,
    encodeQuerySemicolons: false,
    http2: undefined,
    forwardedHeaders: undefined,
    httpMiddlewares: [],
    underscoreHeaders: 0,
    deniedPathCharacters: "",
    httpTls: undefined,
    udp: undefined,
  },
  handler: { current: handler },
  counters: new RequestCounters("web"),
  sweeper,
  log: createLog({ level: "error", format: "json" }),
});
const options = { pauseOnConnect: true, allowHalfOpen: true };
createServer(options, (socket) => entryPoint.serve(socket)).listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
