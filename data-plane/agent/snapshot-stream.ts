/**
 * One call to one control plane over gRPC. A channel of its own each time, closed with the call: a peer that accepts TCP
 * and then says nothing would keep a shared one "connecting" for minutes, without any timeout of the library's
 * (keep-alive starts only once HTTP/2 is up).
 */
import { type ServiceError, status } from "@grpc/grpc-js";
import {
  FleetServiceClient,
  type FollowRequest,
  type FollowResponse,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { type StreamTls, streamSecurity } from "./stream-credentials.ts";

export interface SnapshotStream {
  /** Every message as it comes; throws when the stream breaks. Reading must go on: what is not read is buffered. */
  readonly messages: AsyncIterable<FollowResponse>;
  /** False while the peer takes nothing more: what can wait should. */
  readonly isWritable: boolean;
  send(message: FollowRequest): void;
  /** While a transfer is applied the control plane has nothing to say; only the connection is watched then. */
  expectSilence(isExpected: boolean): void;
  /** Nothing more will be sent: ends once the peer has read everything, or soon after. */
  end(): void;
  /** Ends at once; what was sent may not arrive. */
  close(): void;
}

export interface SnapshotStreamInit {
  /** `HOST:PORT` or `unix:/path`. */
  readonly address: string;
  readonly tls: StreamTls | undefined;
  /** Nothing at all within this time after the call: the peer is taken for dead. */
  readonly firstMessageTimeoutMs: number;
  /** The same after the first message; heartbeats come every 2 s. */
  readonly silenceTimeoutMs: number;
}

/** The control plane answered and wants nothing of this node: trying again soon cures nothing. */
export class StreamRefusedError extends Error {
  override readonly name = "StreamRefusedError";
}

/** Not reachable, broken or silent: another attempt may succeed. */
export class StreamBrokenError extends Error {
  override readonly name = "StreamBrokenError";
}

const refusals: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
]);

/** For the peer to read the last message after `end`. */
const endGraceMs = 1_000;

const channelOptions = {
  "grpc.keepalive_time_ms": 5_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.initial_reconnect_backoff_ms": 250,
  "grpc.max_reconnect_backoff_ms": 10_000,
  "grpc.max_receive_message_length": 64 * 1024 * 1024, // one resource may be larger than a chunk is aimed at
  "grpc.max_send_message_length": 16 * 1024 * 1024,
  "grpc.enable_retries": 0, // the retry buffer of a long stream only grows
  "grpc.use_local_subchannel_pool": 1,
  "grpc-node.flow_control_window": 1024 * 1024, // 64 KiB would bind a full transfer to the round trip
};

export function openSnapshotStream(init: SnapshotStreamInit): SnapshotStream {
  const { address, tls, firstMessageTimeoutMs, silenceTimeoutMs } = init;
  const { credentials, options } = streamSecurity(address, tls);
  const client = new FleetServiceClient(address, credentials, { ...channelOptions, ...options });
  const call = client.follow();
  let isWritable = true;
  let isSilenceExpected = false;
  call.on("drain", () => {
    isWritable = true;
  });
  // The iteration below reports errors; without a listener a late one would end the process.
  call.on("error", () => {});
  const silent = (ms: number) =>
    new StreamBrokenError(`the control plane was silent for ${ms / 1_000} s`);
  const watchdog = setTimeout(
    () => call.destroy(silent(firstMessageTimeoutMs)),
    firstMessageTimeoutMs,
  );
  let silence: NodeJS.Timeout | undefined;
  let ending: NodeJS.Timeout | undefined;
  const close = () => {
    clearTimeout(watchdog);
    clearTimeout(silence);
    silence = undefined;
    clearTimeout(ending);
    call.cancel();
    client.close();
  };

  async function* messages(): AsyncGenerator<FollowResponse> {
    try {
      for await (const message of call as AsyncIterable<FollowResponse>) {
        clearTimeout(watchdog);
        silence ??= setTimeout(() => {
          if (!isSilenceExpected) call.destroy(silent(silenceTimeoutMs));
        }, silenceTimeoutMs);
        silence.refresh();
        yield message;
      }
    } catch (error) {
      throw streamError(error);
    } finally {
      close();
    }
  }

  return {
    messages: messages(),
    get isWritable() {
      return isWritable;
    },
    send(message) {
      if (call.writable) isWritable = call.write(message);
    },
    expectSilence(isExpected) {
      isSilenceExpected = isExpected;
      silence?.refresh();
    },
    end() {
      if (ending !== undefined) return;
      call.end();
      ending = setTimeout(close, endGraceMs);
    },
    close,
  };
}

function streamError(error: unknown): Error {
  if (error instanceof StreamBrokenError) return error;
  const { code, details, message } = error as Partial<ServiceError>;
  const text = plainReason(details === undefined || details === "" ? (message ?? "") : details);
  return code !== undefined && refusals.has(code)
    ? new StreamRefusedError(text, { cause: error })
    : new StreamBrokenError(text, { cause: error });
}

/** The library's sentence about a connection that failed wraps the one that says why. */
function plainReason(text: string): string {
  const wrapped = /Last error: (?:Error: )?(.*?)(?:\.? Resolution note: .*)?$/s.exec(text);
  return wrapped?.[1] ?? text;
}
