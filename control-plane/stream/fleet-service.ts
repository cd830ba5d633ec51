/**
 * The gRPC service data planes follow (docs/protocol.md). Every stream begins with a hello and is then the business of
 * its subscriber; here streams are admitted, woken at every commit, and drained. A control plane that has not read its
 * store offers nothing, and says so.
 */
import { type Server as GrpcServer, Server, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { Logger } from "../../foundation/log.ts";
import type { FollowRequest, Hello, Rejection } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { CommittedState } from "../snapshot-store/committed-state.ts";
import { bounded } from "./bounded-text.ts";
import { FleetStatus, type NodeRecord, type NodeRejection } from "./fleet-status.ts";
import { followMethod, type ResponseFrame, responseFrame } from "./follow-method.ts";
import { InvalidHelloError, type NodeHello, parseHello, protocolVersion } from "./node-hello.ts";
import { GrpcNodeStream, type NodeStream, type StreamEnd } from "./node-stream.ts";
import { type StreamSecurity, serverCredentials } from "./stream-credentials.ts";
import { StreamListener } from "./stream-listener.ts";
import { refusalOf, Subscriber, type SubscriberTimes } from "./subscriber.ts";
import { TransferCache } from "./transfer-cache.ts";

export interface FleetServiceTimes extends SubscriberTimes {
  /** A stream that has not said hello by then ends. */
  readonly helloMs: number;
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

export interface FleetServiceInit {
  readonly controlPlaneId: string;
  readonly committed: CommittedState;
  /** Where an operator finds what a rejected resource was made of. */
  readonly sourceOf: (key: ResourceKey) => SourcePosition | undefined;
  readonly log: Logger;
  readonly times?: Partial<FleetServiceTimes>;
}

/** A service listens on one address or several; each has its own security. */
export interface StreamEndpoint {
  /** `host:port`, `[::1]:port`, or `unix:/path` (made with mode 0600). */
  readonly address: string;
  readonly security: StreamSecurity;
}

type Call = ServerDuplexStream<FollowRequest, ResponseFrame>;

const serverOptions = {
  "grpc.keepalive_time_ms": 5_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
};

/** Reconnecting takes a node this long and a random part of it more, so that a fleet does not move as one. */
const drainReconnectMs = 250;

export class FleetService implements AsyncDisposable {
  readonly status: FleetStatus;
  readonly #init: FleetServiceInit;
  readonly #times: FleetServiceTimes;
  readonly #transfers: TransferCache;
  readonly #server: GrpcServer;
  readonly #listeners: StreamListener[] = [];
  readonly #subscribers = new Map<string, Subscriber>();
  /** Streams that have not ended, admitted or not. */
  readonly #calls = new Set<Call>();
  readonly #stopWatching: () => void;
  #onLastLeft = () => {};
  #stopped: Promise<void> | undefined;

  constructor(init: FleetServiceInit) {
    this.#init = init;
    this.#times = { ...defaultTimes, ...init.times };
    this.status = new FleetStatus(init.committed);
    this.#transfers = new TransferCache(init.committed);
    this.#server = new Server(serverOptions);
    this.#server.addService(followMethod, { follow: (call: Call) => this.#follow(call) });
    this.#stopWatching = init.committed.onChange(() => {
      for (const subscriber of this.#subscribers.values()) subscriber.wake();
    });
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
    this.#stopWatching();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    for (const subscriber of this.#subscribers.values()) {
      subscriber.drain(Math.round(drainReconnectMs * (1 + Math.random())));
    }
    await this.#untilLeft();
    for (const subscriber of this.#subscribers.values()) subscriber.end();
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
    let subscriber: Subscriber | undefined;
    const helloDeadline = setTimeout(() => {
      stream.end({ code: status.DEADLINE_EXCEEDED, details: "no hello came" });
    }, this.#times.helloMs);
    const closed = () => {
      clearTimeout(helloDeadline);
      if (this.#calls.delete(call) && this.#calls.size === 0) this.#onLastLeft();
      if (subscriber !== undefined) this.#leave(subscriber);
    };
    this.#calls.add(call);
    call.once("close", closed);
    call.once("cancelled", closed);
    call.on("end", () => stream.end());
    call.on("error", () => {}); // without a listener it would end the process; "close" follows
    call.on("data", ({ message }: FollowRequest) => {
      switch (message?.$case) {
        case "hello":
          clearTimeout(helloDeadline);
          if (subscriber === undefined) subscriber = this.#admit(message.value, stream, peer);
          break;
        case "status":
          subscriber?.receiveStatus(message.value);
          break;
        case "heartbeat":
          subscriber?.receiveHeartbeat(message.value);
          break;
        case undefined:
          break;
      }
    });
  }

  #admit(hello: Hello, stream: NodeStream, peer: string): Subscriber | undefined {
    const node = this.#accepted(hello);
    if ("code" in node) {
      this.#init.log.warn("data plane refused", {
        node: bounded(hello.nodeId),
        address: peer,
        reason: node.details,
      });
      stream.end(node);
      return undefined;
    }
    this.#replace(node);
    const subscriber = this.#subscribe(node, stream, peer);
    this.#init.log.info("data plane connected", {
      node: node.nodeId,
      address: peer,
      generation: node.held?.generation.number ?? "none",
      version: node.version,
    });
    return subscriber;
  }

  /** What is known of the node, or why it is not admitted. */
  #accepted(hello: Hello): NodeHello | StreamEnd {
    const { committed } = this.#init;
    if (this.#stopped !== undefined) {
      return { code: status.UNAVAILABLE, details: "this control plane is about to stop" };
    }
    if (committed.head === undefined) {
      return { code: status.UNAVAILABLE, details: "this control plane has not read its store yet" };
    }
    try {
      const node = parseHello(hello);
      return refusalOf(node.held, committed) ?? this.#olderThanConnected(node) ?? node;
    } catch (error) {
      if (error instanceof InvalidHelloError) return error.end;
      throw error;
    }
  }

  #olderThanConnected({ nodeId, incarnation }: NodeHello): StreamEnd | undefined {
    const connected = this.#subscribers.get(nodeId)?.record;
    if (connected === undefined || connected.incarnation <= incarnation) return undefined;
    return {
      code: status.ALREADY_EXISTS,
      details: `Cannot follow as node "${nodeId}": a newer start of it is connected from ${connected.address}`,
    };
  }

  #replace({ nodeId }: NodeHello): void {
    const older = this.#subscribers.get(nodeId);
    if (older === undefined) return;
    this.#subscribers.delete(nodeId);
    older.end({ code: status.ABORTED, details: `node "${nodeId}" has opened another stream` });
  }

  #subscribe(node: NodeHello, stream: NodeStream, peer: string): Subscriber {
    const record: NodeRecord = {
      ...node,
      address: peer,
      connectedAtMs: Date.now(),
      serving: false,
      timings: undefined,
      rejected: [],
      failure: undefined,
      repairs: 0,
    };
    const { committed, log, controlPlaneId } = this.#init;
    const subscriber: Subscriber = new Subscriber(
      {
        stream,
        committed,
        transfers: this.#transfers,
        times: this.#times,
        log,
        rejectionOf: (rejection) => this.#rejectionOf(rejection),
        onRecord: (changed) => {
          if (this.#subscribers.get(node.nodeId) === subscriber) this.status.set(changed);
        },
      },
      record,
    );
    this.#subscribers.set(node.nodeId, subscriber);
    const welcome = {
      protocol: protocolVersion,
      controlPlaneId,
      heartbeatIntervalMs: this.#times.heartbeatMs,
    };
    stream.send(responseFrame({ $case: "welcome", value: welcome })).catch((error: unknown) => {
      log.debug("message not sent", { node: node.nodeId, error });
    });
    subscriber.start();
    return subscriber;
  }

  #rejectionOf({ kind, name, reason }: Rejection): NodeRejection {
    return {
      resource: { kind, name: bounded(name) },
      reason: bounded(reason),
      source: this.#init.sourceOf({ kind, name }),
    };
  }

  #leave(subscriber: Subscriber): void {
    subscriber.close();
    const { nodeId } = subscriber.record;
    if (this.#subscribers.get(nodeId) !== subscriber) return;
    this.#subscribers.delete(nodeId);
    this.status.delete(nodeId);
    this.#init.log.info("data plane disconnected", { node: nodeId });
  }
}
