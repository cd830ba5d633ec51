import type { LogLevel } from "../../foundation/log.ts";
import type { StreamTls } from "./stream-credentials.ts";

/** What the agent thread is started with (`workerData`): plain values only. */
export interface AgentOptions {
  /** `HOST:PORT` or `unix:/path`, tried in turn; at least one. */
  readonly controlPlanes: readonly string[];
  /**
   * The control plane starts beside this data plane: it is followed from the main thread's `follow` on, so that no
   * attempt comes too early and waits for a retry.
   */
  readonly followsOnRequest: boolean;
  /** Absent: dials without TLS. */
  readonly tls: StreamTls | undefined;
  /** Fleet that may take over a node that holds another fleet's state. */
  readonly adoptFleet: string | undefined;
  /** Absent: host name and 6 hex digits, made once and kept in the state directory. */
  readonly nodeId: string | undefined;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly version: string;
  /** Where last-known-good and the node id are kept, locked while in use. Absent: nothing is kept. */
  readonly stateDir: string | undefined;
  /** Local overrides, `HOST:PORT` by entry point. */
  readonly entryPointAddresses: Readonly<Record<string, string>>;
  readonly admin: {
    /** `HOST:PORT`, loopback. */
    readonly address: string;
    /** The operator asked for this port: taken is an error, not a reason to move. */
    readonly isRequired: boolean;
  };
  /** Age of the last confirmation at which readiness ends; 0: never. */
  readonly readyMaxAgeMs: number;
  /** Request metrics per router as well. */
  readonly routerMetrics: boolean;
  readonly logLevel: LogLevel;
  /** What operators have no use for; everything has its default. */
  readonly tuning?: AgentTuning;
}

interface AgentTuning {
  readonly timing?: Partial<AgentTiming>;
  readonly lastKnownGood?: LastKnownGoodTuning;
}

interface LastKnownGoodTuning {
  /** How many bases are kept; with one there is nothing to fall back to. */
  readonly bases?: number;
  /** Whether a failed write is tried again. */
  readonly retries?: boolean;
}

export interface AgentTiming {
  readonly firstMessageTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly stallMs: number;
  readonly failedStallMs: number;
  readonly behindMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  readonly workerAnswerTimeoutMs: number;
  readonly flushIntervalMs: number;
}
