/**
 * Messages between the three kinds of thread of a data plane. The main thread accepts, the agent holds the verified
 * state, workers serve. Each worker has one port to the agent and its own parent port to the main thread.
 */
import type { Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";
import type { LogMessage } from "../../foundation/forwarding-log.ts";
import type { LogLevel } from "../../foundation/log.ts";
import type { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

/** main → worker. Sockets come paused, with `allowHalfOpen`, and are in the transfer list. */
export type MainToWorker =
  | { readonly kind: "agentPort"; readonly port: MessagePort }
  | { readonly kind: "connection"; readonly entryPoint: string; readonly socket: Socket }
  /** The entry point's listener is gone: let its connections finish within its grace. */
  | { readonly kind: "drainEntryPoint"; readonly entryPoint: string }
  /** The process stops: let everything finish within each entry point's grace, then answer `drained`. */
  | { readonly kind: "drain" }
  | UdpFromMain;

/** UDP sockets are the workers' own: the kernel shares clients out among those that are bound to one address. */
export type UdpFromMain =
  /** Answered by `udpOpened`. What comes in is held until `serveUdp`. */
  | {
      readonly kind: "openUdp";
      readonly listener: number;
      readonly host: string;
      readonly port: number;
      /** Other workers are bound there, too. */
      readonly isShared: boolean;
    }
  /** Datagrams are those of this entry point now. */
  | { readonly kind: "serveUdp"; readonly listener: number; readonly entryPoint: string }
  /** New clients are not served any more. */
  | { readonly kind: "endUdp"; readonly listener: number }
  /** At once. Answered by `udpClosed`. */
  | { readonly kind: "closeUdp"; readonly listener: number };

export type UdpToMain =
  | {
      readonly kind: "udpOpened";
      readonly listener: number;
      /** Absent: it is bound. */
      readonly error?: { readonly code: string | undefined; readonly message: string };
    }
  | { readonly kind: "udpClosed"; readonly listener: number };

export type WorkerToMain =
  | { readonly kind: "ready" }
  | { readonly kind: "drained" }
  | UdpToMain
  /** At least of the level the worker was started with. */
  | LogMessage;

/** `workerData` of a traffic worker. */
export interface TrafficWorkerData {
  readonly columns: SharedArrayBuffer;
  readonly index: number;
  readonly log: { readonly level: LogLevel };
}

/** agent → worker. One transfer at a time: begin, parts, build; then switch or abandon. */
export type AgentToWorker =
  /** `full` replaces everything the worker holds, beside the old state which keeps serving. */
  | { readonly kind: "begin"; readonly transfer: number; readonly full: boolean }
  /** An encoded `ChangeList`, over shared memory: all workers read the same bytes, so none may write to them. */
  | { readonly kind: "part"; readonly transfer: number; readonly changes: Uint8Array }
  | { readonly kind: "build"; readonly transfer: number }
  | { readonly kind: "switch"; readonly transfer: number }
  | { readonly kind: "abandon"; readonly transfer: number }
  | { readonly kind: "collectCounters"; readonly request: number };

export type WorkerToAgent =
  /**
   * Built beside the old state. `rejected` is the whole list of resources the worker will hold but cannot use after the
   * switch, earlier ones that still apply included: they keep their last good version, or stay out.
   */
  | {
      readonly kind: "built";
      readonly transfer: number;
      readonly rejected: readonly RejectedResource[];
    }
  /** Nothing of the transfer can be built; the old state serves on. */
  | { readonly kind: "failed"; readonly transfer: number; readonly reason: string }
  | { readonly kind: "switched"; readonly transfer: number }
  | { readonly kind: "counters"; readonly request: number; readonly counters: CounterReport };

export interface RejectedResource {
  readonly resourceKind: ResourceKind;
  readonly name: string;
  readonly reason: string;
}

/** A worker's counters since it started; the agent sums workers (and keeps what a dead worker last reported). */
export interface CounterReport {
  readonly entryPoints: readonly RequestCounterReport[];
  readonly routers: readonly RequestCounterReport[];
  readonly services: readonly RequestCounterReport[];
  readonly udp: readonly UdpCounterReport[];
  /** Of this moment. */
  readonly openConnections: readonly { readonly entryPoint: string; readonly open: number }[];
}

export interface UdpCounterReport {
  readonly entryPoint: string;
  /** Of this moment. */
  readonly openSessions: number;
  readonly sessions: number;
  readonly evictedSessions: number;
  readonly receivedDatagrams: number;
  readonly sentDatagrams: number;
  readonly droppedDatagrams: number;
}

export interface RequestCounterReport {
  readonly name: string;
  /** One row per (status, method) seen. */
  readonly rows: readonly {
    readonly status: number;
    readonly method: string;
    readonly count: number;
    readonly durationSecondsSum: number;
    /** Cumulative from the smallest bound, bounds as in `durationBucketsSeconds`. */
    readonly buckets: readonly number[];
  }[];
}

/** agent → main. */
export type AgentToMain =
  /** The agent runs: its admin listener is bound. */
  | { readonly kind: "ready" }
  /** Bind what is new or moved, keep what stays, close nothing yet. Answered by `listenersBound`. */
  | {
      readonly kind: "bindListeners";
      readonly transfer: number;
      readonly listeners: readonly ListenerWish[];
    }
  /** The workers have switched: accept on what was bound, close and drain what is no longer wished. */
  | { readonly kind: "activateListeners"; readonly transfer: number }
  /** This worker holds the current state: it may be handed connections. */
  | { readonly kind: "workerServing"; readonly worker: number }
  /** The transfer came to nothing: close what was bound for it. */
  | { readonly kind: "abandonListeners"; readonly transfer: number }
  /** Reported once drained; the main thread then ends the process. */
  | { readonly kind: "stopped" }
  | { readonly kind: "fatal"; readonly reason: string }
  | LogMessage;

/** main → agent. */
export type MainToAgent =
  | { readonly kind: "workerStarted"; readonly worker: number; readonly port: MessagePort }
  | { readonly kind: "workerStopped"; readonly worker: number }
  | {
      readonly kind: "listenersBound";
      readonly transfer: number;
      readonly results: readonly ListenerResult[];
    }
  /** A listener that could not be bound before is bound now, or failed again with another reason. */
  | { readonly kind: "listenerChanged"; readonly result: ListenerResult }
  /** The control plane runs: follow it (`followsOnRequest`). */
  | { readonly kind: "follow" }
  /** Draining begins: readiness is 503 from now on. */
  | { readonly kind: "draining" }
  | { readonly kind: "stop" };

export interface ListenerWish {
  readonly entryPoint: string;
  /** Absent: "tcp". */
  readonly protocol?: "tcp" | "udp";
  /** "" is every interface. */
  readonly host: string;
  readonly port: number;
  /** How long a stopping process goes on accepting, so that load balancers learn of it first; absent: 0. */
  readonly requestAcceptGraceTimeoutMs?: number;
}

export interface ListenerResult {
  readonly entryPoint: string;
  /** Where it is bound; absent when it is not. */
  readonly address?: string;
  /** `Cannot bind entry point "web" to :443: port is in use`. */
  readonly error?: string;
}

/**
 * Shared between the main thread and the workers: `Int32Array` over a SharedArrayBuffer, `workerColumnLength` slots per
 * worker. The main thread ADDS a connection to the open ones when it hands it over (so that a burst of accepts sees
 * itself), the worker SUBTRACTS it once it is closed; both with `Atomics`. The heartbeat is the worker's alone.
 */
export const workerColumnLength = 16; // a cache line, so that workers do not contend
export const openConnectionsSlot = 0;
/**
 * `monotonicMs()` of the worker's last heartbeat, every `workerHeartbeatMs`: a worker whose beat is old gets no new
 * connections.
 */
export const heartbeatSlot = 1;
export const workerHeartbeatMs = 25;
