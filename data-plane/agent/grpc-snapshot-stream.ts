/**
 * One call to one control plane over gRPC. A channel of its own each time, closed with the call: a peer that accepts TCP
 * and then says nothing would keep a shared one "connecting" for minutes, without any timeout of the library's
 * (keep-alive starts only once HTTP/2 is up).
 */
import { type ServiceError, status } from "@grpc/grpc-js";
import type { FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { FleetServiceClient } from "../../proto/gen/switchyard/fleet/v1/fleet_service.ts";
import {
  type SnapshotStream,
  type SnapshotStreamInit,
  StreamBrokenError,
  StreamRefusedError,
} from "./snapshot-stream.ts";
import { streamSecurity } from "./stream-credentials.ts";

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
