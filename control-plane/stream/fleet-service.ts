/**
 * The gRPC service data planes follow (docs/protocol.md): listens, carries the streams of `NodeSessions`, and stops
 * without cutting anybody off who leaves in time.
 */
import { type Server as GrpcServer, Server, type ServerDuplexStream } from "@grpc/grpc-js";
import type { FollowRequest } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { FleetStatus } from "./fleet-status.ts";
import { followMethod } from "./follow-method.ts";
import { NodeSessions, type NodeSessionsInit, type NodeSessionTimes } from "./node-sessions.ts";
import { GrpcNodeStream } from "./node-stream.ts";
import type { OutgoingFrame } from "./outgoing-frame.ts";
import type { StreamCounts } from "./stream-counts.ts";
import { type StreamSecurity, serverCredentials } from "./stream-credentials.ts";
import { StreamListener } from "./stream-listener.ts";

export interface FleetServiceTimes extends NodeSessionTimes {
  /** A frame the transport does not take for so long ends the stream. */
  readonly sendMs: number;
  /** What `stop()` waits for nodes to leave. */
  readonly drainGraceMs: number;
}

const defaultTimes: FleetServiceTimes = {
  heartbeatMs: 2_000,
  silenceMs: 8_000,
  statusMs: 60_000,
  failureBackoff: { baseMs: 1_000, maxMs: 10_000 },
  helloMs: 5_000,
  sendMs: 30_000,
  drainGraceMs: 2_000,
};

export interface FleetServiceInit extends Omit<NodeSessionsInit, "times"> {
  readonly times?: Partial<FleetServiceTimes>;
}

/** A service listens on one address or several; each has its own security. */
export interface StreamEndpoint {
  /** `host:port`, `[::1]:port`, or `unix:/path` (made with mode 0600). */
  readonly address: string;
  readonly security: StreamSecurity;
}

type Call = ServerDuplexStream<FollowRequest, OutgoingFrame>;

const serverOptions = {
  "grpc.keepalive_time_ms": 5_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
};

export class FleetService implements AsyncDisposable {
  readonly #init: FleetServiceInit;
  readonly #times: FleetServiceTimes;
  readonly #sessions: NodeSessions;
  readonly #server: GrpcServer;
  readonly #listeners: StreamListener[] = [];
  /** Streams that have not ended, admitted or not. */
  readonly #calls = new Set<Call>();
  #onLastLeft = () => {};
  #stopped: Promise<void> | undefined;

  constructor(init: FleetServiceInit) {
    this.#init = init;
    this.#times = { ...defaultTimes, ...init.times };
    this.#sessions = new NodeSessions({ ...init, times: this.#times });
    this.#server = new Server(serverOptions);
    this.#server.addService(followMethod, { follow: (call: Call) => this.#follow(call) });
  }

  get status(): FleetStatus {
    return this.#sessions.status;
  }

  get counts(): StreamCounts {
    return this.#sessions.counts;
  }

  /** Where it listens, ports filled in, in the order of `listen()`. */
  get addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** Resolves once bound; rejects with `StreamBindError`. */
  async listen({ address, security }: StreamEndpoint): Promise<void> {
    const injector = this.#server.createConnectionInjector(serverCredentials(security));
    const listener = new StreamListener((socket) => injector.injectConnection(socket));
    await listener.listen(address);
    this.#listeners.push(listener);
    this.#init.log.info("listening", {
      listener: "stream",
      name: "fleet",
      address: listener.address,
    });
  }

  /** Sends every node elsewhere, waits for them to leave, ends what is left. Repeatable. */
  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #drain(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.#sessions.drain();
    await this.#untilLeft();
    this.#sessions.end();
    // An orderly shutdown never completes while a stream is open.
    this.#server.forceShutdown();
    for (const listener of this.#listeners) listener.destroyConnections();
  }

  async #untilLeft(): Promise<void> {
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, this.#times.drainGraceMs);
      this.#onLastLeft = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
  }

  #follow(call: Call): void {
    const peer = call.getPeer();
    const stream = new GrpcNodeStream({
      call,
      sendDeadlineMs: this.#times.sendMs,
      cut: () => {
        for (const listener of this.#listeners) listener.cut(peer);
      },
    });
    const session = this.#sessions.open(stream, peer);
    const closed = () => {
      session.closed();
      if (this.#calls.delete(call) && this.#calls.size === 0) this.#onLastLeft();
    };
    this.#calls.add(call);
    call.once("close", closed);
    call.once("cancelled", closed);
    call.on("end", () => stream.end());
    call.on("error", () => {}); // without a listener it would end the process; "close" follows
    call.on("data", (request: FollowRequest) => session.receive(request));
  }
}
