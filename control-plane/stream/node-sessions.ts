/**
 * The streams of all nodes, whatever carries them. Each begins with a hello and is then the business of its subscriber;
 * here nodes are admitted or refused, woken at every commit, and sent elsewhere. A control plane that has not read its
 * store offers nothing, and says so.
 */
import { status } from "@grpc/grpc-js";
import type { SourcePosition } from "../../config-model/dynamic/diagnostic.ts";
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { Logger } from "../../foundation/log.ts";
import { shuffled } from "../../foundation/shuffled.ts";
import type { FollowRequest, Hello, Rejection } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { CommittedState } from "../snapshot-store/committed-state.ts";
import { Admission, type AdmissionInit } from "./admission.ts";
import { bounded } from "./bounded-text.ts";
import { FleetStatus, type NodeRecord, type NodeRejection } from "./fleet-status.ts";
import { responseFrame } from "./follow-method.ts";
import { InvalidHelloError, type NodeHello, parseHello, protocolVersion } from "./node-hello.ts";
import { refusalOf } from "./node-refusal.ts";
import type { NodeStream, StreamEnd } from "./node-stream.ts";
import { SendPace } from "./send-pace.ts";
import { StoreGate } from "./store-gate.ts";
import { createStreamCounts } from "./stream-counts.ts";
import { Subscriber, type SubscriberTimes } from "./subscriber.ts";
import { type RejectionRule, TransferCache } from "./transfer-cache.ts";

/** Reconnecting takes a node this long and a random part of it more, so that a fleet does not move as one. */
const drainReconnectMs = 250;
/**
 * Some 50 ms of a second's loop at the most. Nobody waits longer for its first answer than half of what a data plane
 * takes for a dead peer.
 */
const defaultAdmission: AdmissionInit = { perSecond: 500, burst: 100, maxWaitMs: 2_000 };
/** With what admission may take, well below what a data plane waits for its first answer. */
const storeWaitMs = 1_500;
/** Nodes brought on their way in one turn: some 10 ms of work. */
const wokenAtOnce = 64;

export interface NodeSessionTimes extends SubscriberTimes {
  /** A stream that has not said hello by then ends. */
  readonly helloMs: number;
}

export interface NodeSessionsInit {
  readonly controlPlaneId: string;
  readonly committed: CommittedState;
  /** Where an operator finds what a rejected resource was made of. */
  readonly sourceOf: (key: ResourceKey) => SourcePosition | undefined;
  readonly log: Logger;
  readonly times: NodeSessionTimes;
  readonly admission?: AdmissionInit;
  /** Hears every hello that is one, also of nodes that are then refused. */
  readonly onHello?: (node: NodeHello) => void;
  /** `isolate` unless said otherwise. */
  readonly rejection?: RejectionRule;
  /** Private keys are not for these streams. */
  readonly withholdsKeys?: boolean;
  /** Other control planes of this fleet, as `HOST:PORT`, told to nodes that are sent away. */
  readonly alternates?: () => readonly string[];
}

/** One stream, from its first message to its end. */
export interface NodeSession {
  receive(request: FollowRequest): void;
  /** The stream is gone. Repeatable. */
  closed(): void;
}

export class NodeSessions {
  readonly status: FleetStatus;
  readonly counts = createStreamCounts();
  readonly #init: NodeSessionsInit;
  readonly #storeGate: StoreGate;
  readonly #admission: Admission;
  readonly #transfers: TransferCache;
  readonly #pace = new SendPace();
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #stopWatching: () => void;
  /** To be woken: something was committed. */
  readonly #asleep = new Set<Subscriber>();
  #isWaking: boolean = false;
  #isDraining: boolean = false;

  constructor(init: NodeSessionsInit) {
    this.#init = init;
    this.status = new FleetStatus(init.committed);
    this.#storeGate = new StoreGate(init.committed, storeWaitMs);
    this.#admission = new Admission(init.admission ?? defaultAdmission);
    this.#transfers = new TransferCache(init);
    this.#stopWatching = init.committed.onChange(() => this.#wakeAll());
  }

  open(stream: NodeStream, peer: string): NodeSession {
    let subscriber: Subscriber | undefined;
    let leaveQueue: (() => void) | undefined;
    const enter = (hello: Hello) => {
      leaveQueue = undefined;
      const answer = this.#admission.enter(() => {
        leaveQueue = undefined;
        const admit = () => {
          subscriber = this.#admit(hello, stream, peer);
        };
        this.#guarded(admit, (end) => stream.end(end));
      });
      if (answer.kind === "queued") leaveQueue = answer.leave;
      if (answer.kind === "refused") stream.end(this.#tooMany());
    };
    const helloDeadline = setTimeout(() => {
      stream.end({ code: status.DEADLINE_EXCEEDED, details: "no hello came" });
    }, this.#init.times.helloMs);
    return {
      receive: ({ message }) => {
        const handle = () => {
          switch (message?.$case) {
            case "hello":
              clearTimeout(helloDeadline);
              if (subscriber !== undefined || leaveQueue !== undefined) break;
              leaveQueue = this.#storeGate.pass(() => enter(message.value)) ?? leaveQueue;
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
        };
        this.#guarded(handle, (end) => stream.end(end));
      },
      closed: () => {
        clearTimeout(helloDeadline);
        leaveQueue?.();
        if (subscriber !== undefined) this.#leave(subscriber);
      },
    };
  }

  /** Admits nobody any more and sends every node elsewhere. */
  drain(): void {
    this.#isDraining = true;
    this.#admission.close();
    this.#stopWatching();
    this.#asleep.clear();
    const alternates = this.#init.alternates?.() ?? [];
    for (const subscriber of this.#subscribers.values()) {
      // Shuffled for each, so that nodes spread over who is left.
      subscriber.drain(Math.round(drainReconnectMs * (1 + Math.random())), shuffled(alternates));
    }
  }

  /** Ends the streams of all nodes. */
  end(): void {
    for (const subscriber of this.#subscribers.values()) subscriber.end();
  }

  #wakeAll(): void {
    for (const subscriber of this.#subscribers.values()) this.#asleep.add(subscriber);
    if (!this.#isWaking) this.#wakeSome();
  }

  /** The first nodes at once, a large fleet in turns of the event loop: everything else goes on between them. */
  #wakeSome(): void {
    let woken = 0;
    this.#isWaking = true;
    for (const subscriber of this.#asleep) {
      if (woken++ === wokenAtOnce) {
        setImmediate(() => this.#wakeSome());
        return;
      }
      this.#asleep.delete(subscriber);
      const wake = () => subscriber.wake();
      this.#guarded(wake, (end) => subscriber.end(end));
    }
    this.#isWaking = false;
  }

  /** A fault in the handling of one node ends that node's stream; thrown out of here it would end the process. */
  #guarded(step: () => void, end: (end: StreamEnd) => void): void {
    try {
      step();
    } catch (error) {
      this.#init.log.error("data plane's stream failed", { error });
      end({ code: status.INTERNAL, details: "this control plane failed to handle the stream" });
    }
  }

  #admit(hello: Hello, stream: NodeStream, peer: string): Subscriber | undefined {
    const node = this.#accepted(hello);
    if ("code" in node) {
      const fields = { node: bounded(hello.nodeId), address: peer, reason: node.details };
      // That this control plane is not there yet, or no longer, is nothing to mend at the node.
      if (node.code === status.UNAVAILABLE) this.#init.log.info("data plane refused", fields);
      else this.#init.log.warn("data plane refused", fields);
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
    if (this.#isDraining) {
      return { code: status.UNAVAILABLE, details: "this control plane is about to stop" };
    }
    if (committed.head === undefined) {
      return { code: status.UNAVAILABLE, details: "this control plane has not read its store yet" };
    }
    try {
      const node = parseHello(hello);
      this.#init.onHello?.(node);
      return refusalOf(node.held, committed) ?? this.#olderThanConnected(node) ?? node;
    } catch (error) {
      if (error instanceof InvalidHelloError) return error.end;
      throw error;
    }
  }

  #tooMany(): StreamEnd {
    this.counts.delayed += 1;
    return {
      code: status.UNAVAILABLE,
      details: "more data planes are connecting than this control plane lets in at once",
    };
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

  #subscribe(hello: NodeHello, stream: NodeStream, peer: string): Subscriber {
    const { compression, ...node } = hello;
    const record: NodeRecord = {
      ...node,
      address: peer,
      connectedAtMs: Date.now(),
      heardAtMs: Date.now(),
      serving: false,
      timings: undefined,
      rejected: [],
      failure: undefined,
      refused: [],
      repairs: 0,
    };
    const { committed, log, controlPlaneId } = this.#init;
    const subscriber: Subscriber = new Subscriber(
      {
        stream,
        committed,
        transfers: this.#transfers,
        compression,
        counts: this.counts,
        pace: this.#pace,
        times: this.#init.times,
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
      heartbeatIntervalMs: this.#init.times.heartbeatMs,
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
    this.#asleep.delete(subscriber);
    const { nodeId } = subscriber.record;
    if (this.#subscribers.get(nodeId) !== subscriber) return;
    this.#subscribers.delete(nodeId);
    this.status.delete(nodeId);
    this.#init.log.info("data plane disconnected", { node: nodeId });
  }
}
