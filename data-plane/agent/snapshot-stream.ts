/** What following needs of a stream to a control plane; `grpc-snapshot-stream.ts` is the one over the network. */
import type { FollowRequest, FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { StreamTls } from "./stream-credentials.ts";

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
