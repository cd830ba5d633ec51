import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { FollowRequest } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { ResponseFrame } from "./follow-method.ts";
import { OutgoingFrame } from "./outgoing-frame.ts";

/** Why a stream ends, as the node is told. */
export interface StreamEnd {
  readonly code: number;
  readonly details: string;
}

/** The control plane's end of one node's stream. */
export interface NodeStream {
  /** Resolves when the transport has taken the frame, which is when the next may follow; rejects when it never will. */
  send(frame: ResponseFrame): Promise<void>;
  /** Ends the stream; without `end` normally. Repeatable, the first counts. */
  end(end?: StreamEnd): void;
}

class StreamClosedError extends Error {
  override readonly name = "StreamClosedError";
}

export interface GrpcNodeStreamInit {
  readonly call: ServerDuplexStream<FollowRequest, OutgoingFrame>;
  /** A frame that was not taken within this time ends the stream. */
  readonly sendDeadlineMs: number;
  /** Cuts the connection below the stream: a peer that reads nothing never sees an orderly end. */
  readonly cut: () => void;
}

/** Over gRPC. One frame at a time is handed to the transport, so nothing is queued for a node that does not read. */
export class GrpcNodeStream implements NodeStream {
  readonly #init: GrpcNodeStreamInit;
  readonly #closed = new AbortController();
  #isEnding: boolean = false;

  constructor(init: GrpcNodeStreamInit) {
    this.#init = init;
    init.call.once("close", () => this.closed());
    init.call.once("cancelled", () => this.closed());
  }

  /** The peer is gone. */
  closed(): void {
    this.#closed.abort();
  }

  send(frame: ResponseFrame): Promise<void> {
    const { call, sendDeadlineMs } = this.#init;
    const { signal } = this.#closed;
    if (signal.aborted || this.#isEnding) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const onClosed = () => settle(closedError());
      const deadline = setTimeout(() => {
        settle(closedError());
        this.#stalled();
      }, sendDeadlineMs);
      const settle = (error?: Error | null) => {
        clearTimeout(deadline);
        signal.removeEventListener("abort", onClosed);
        if (error) reject(error);
        else resolve();
      };
      signal.addEventListener("abort", onClosed, { once: true });
      const outgoing = new OutgoingFrame(frame);
      call.write(outgoing, (error?: Error | null) => {
        if (!error) outgoing.written();
        settle(error);
      });
    });
  }

  end(end?: StreamEnd): void {
    if (this.#isEnding || this.#closed.signal.aborted) return;
    this.#isEnding = true;
    // grpc-js: an "error" emitted on a server call is the status it ends with.
    if (end === undefined) this.#init.call.end();
    else this.#init.call.emit("error", end);
  }

  #stalled(): void {
    const seconds = this.#init.sendDeadlineMs / 1_000;
    this.end({
      code: status.DEADLINE_EXCEEDED,
      details: `nothing was read from this stream for ${seconds} s`,
    });
    this.closed();
    this.#init.cut();
  }
}

function closedError(): StreamClosedError {
  return new StreamClosedError("Cannot send to data plane: its stream has ended");
}
