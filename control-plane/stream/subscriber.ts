/**
 * One connected node: brings it to the newest generation and keeps it there. There is no queue: what is pending is
 * always "the newest generation", so everything committed during a transfer is merged into the next. States:
 *
 * - idle: the node holds `#held`; a newer generation starts a transfer, a heartbeat that tells otherwise a full one
 * - sending: one transfer is in flight, from its first frame to the status that ends it (SERVING or FAILED)
 * - idle, `#refused` set: the strict rule made the node refuse a generation, which is not sent to it again
 * - resting: something went wrong; a full transfer follows after a backoff that grows, so that a node that fails every
 *   time costs little
 * - closed: for good; the node opens another stream
 */
import { status as grpcStatus } from "@grpc/grpc-js";
import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import type { Logger } from "../../foundation/log.ts";
import {
  type Compression,
  type Heartbeat,
  Phase,
  type Rejection,
  type Status,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { CommittedState } from "../snapshot-store/committed-state.ts";
import { bounded } from "./bounded-text.ts";
import type { NodeRecord, NodeRejection, TransferTimings } from "./fleet-status.ts";
import { responseFrame } from "./follow-method.ts";
import { refusalOf } from "./node-refusal.ts";
import type { NodeStream, StreamEnd } from "./node-stream.ts";
import type { SendPace } from "./send-pace.ts";
import type { SharedTransfer } from "./shared-transfer.ts";
import type { StreamCounts } from "./stream-counts.ts";
import type { TransferCache } from "./transfer-cache.ts";

export interface SubscriberTimes {
  readonly heartbeatMs: number;
  /** Nothing heard from the node for so long: its stream ends. */
  readonly silenceMs: number;
  /** No status for so long during a transfer that was sent whole: its stream ends. */
  readonly statusMs: number;
  readonly failureBackoff: BackoffPolicy;
}

export interface SubscriberInit {
  readonly stream: NodeStream;
  readonly committed: CommittedState;
  readonly transfers: TransferCache;
  readonly compression: Compression;
  readonly times: SubscriberTimes;
  readonly log: Logger;
  readonly rejectionOf: (rejection: Rejection) => NodeRejection;
  readonly onRecord: (record: NodeRecord) => void;
  readonly counts: StreamCounts;
  /** Shared by all nodes. */
  readonly pace: SendPace;
}

interface Sending {
  readonly kind: "sending";
  readonly transfer: SharedTransfer;
  readonly beganAtMs: number;
  /** RECEIVED was reported; an earlier SERVING speaks of something else. */
  isReceived: boolean;
}

type State =
  | { readonly kind: "idle" }
  | Sending
  | { readonly kind: "resting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "closed" };

/** Rejections kept of one node; more of them say nothing new. */
const maxRejections = 1_000;
/** Smaller frames go out at once, whatever else does. */
const pacedBytes = 16 * 1024;
/** Handed to the transport before waiting for it: small transfers go out at once, large ones stay bounded. */
const unsentBytes = 64 * 1024;

export class Subscriber {
  readonly #init: SubscriberInit;
  #record: NodeRecord;
  #state: State = { kind: "idle" };
  /** What is known of the node's state is wrong: only everything helps. */
  #needsFull: boolean = false;
  #refused: Generation | undefined;
  #failures = 0;
  #silence: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #statusDeadline: NodeJS.Timeout | undefined;

  constructor(init: SubscriberInit, record: NodeRecord) {
    this.#init = init;
    this.#record = record;
  }

  get record(): NodeRecord {
    return this.#record;
  }

  start(): void {
    const { heartbeatMs, silenceMs } = this.#init.times;
    this.#heartbeat = setInterval(() => this.#sendHeartbeat(), heartbeatMs);
    this.#silence = setTimeout(
      () => this.#endSilent(`nothing was heard from this node for ${silenceMs / 1_000} s`),
      silenceMs,
    );
    this.#init.onRecord(this.#record);
    this.wake();
    if (this.#state.kind === "idle") this.#sendHeartbeat(); // confirms at once what the node holds
  }

  /** The committed state has changed. */
  wake(): void {
    if (this.#state.kind === "closed" || this.#state.kind === "resting") return;
    const refusal = refusalOf(this.#record.held, this.#init.committed);
    if (refusal !== undefined) this.end(refusal);
    else if (this.#state.kind === "idle") this.#advance();
  }

  receiveStatus(status: Status): void {
    this.#heard();
    if (this.#state.kind === "sending" && isSame(status.generation, this.#state.transfer.target)) {
      this.#progress(this.#state, status);
    } else if (this.#state.kind === "idle" && status.phase === Phase.SERVING) {
      this.#serves(status);
    }
  }

  receiveHeartbeat({ generation, digest }: Heartbeat): void {
    this.#heard();
    const { held } = this.#record;
    if (this.#state.kind !== "idle" || held === undefined) return;
    if (isSame(generation, held) && Buffer.compare(digest, held.digest) === 0) {
      this.#failures = 0;
      return;
    }
    this.#repair("the node holds another state than it was brought to");
  }

  #heard(): void {
    this.#silence?.refresh();
    this.#update({ heardAtMs: Date.now() });
  }

  /** Tells the node to go elsewhere; its stream ends when it leaves, or with `end()`. */
  drain(reconnectAfterMs: number, alternates: readonly string[]): void {
    const value = { reconnectAfterMs, alternates: [...alternates] };
    this.#send(responseFrame({ $case: "drain", value }));
  }

  end(end?: StreamEnd): void {
    this.#init.stream.end(end);
    this.close();
  }

  /** The stream is gone; nothing is sent or reported any more. */
  close(): void {
    if (this.#state.kind === "resting") clearTimeout(this.#state.timer);
    this.#state = { kind: "closed" };
    clearInterval(this.#heartbeat);
    clearTimeout(this.#silence);
    clearTimeout(this.#statusDeadline);
  }

  #advance(): void {
    const { head } = this.#init.committed;
    if (head?.generation === undefined || head.digest === undefined) return;
    if (this.#refused !== undefined && isSame(this.#refused, head)) return;
    const held = this.#needsFull ? undefined : this.#record.held;
    if (held !== undefined && isSame(head.generation, held)) {
      if (Buffer.compare(head.digest, held.digest) === 0) return;
    }
    const transfer = this.#init.transfers.transferFrom(held, this.#init.compression);
    if (transfer !== undefined) void this.#transfer(transfer);
  }

  /** Never rejects: a stream that cannot be written to is closed by whoever owns it. */
  async #transfer(transfer: SharedTransfer): Promise<void> {
    const state: Sending = {
      kind: "sending",
      transfer,
      beganAtMs: performance.now(),
      isReceived: false,
    };
    const { counts } = this.#init;
    this.#state = state;
    if (transfer.base === undefined) counts.fullTransfers += 1;
    else counts.deltas += 1;
    transfer.acquire();
    try {
      let unsent: Promise<void>[] = [];
      let bytes = 0;
      for (const frame of transfer.frames()) {
        const turn = frame.length < pacedBytes ? undefined : this.#init.pace.take(frame.length);
        if (turn !== undefined) {
          await Promise.all([turn, ...unsent]);
          [unsent, bytes] = [[], 0];
          if (this.#state !== state) return;
        }
        unsent.push(this.#init.stream.send(frame));
        bytes += frame.length;
        counts.bytes += frame.length;
        if (bytes < unsentBytes) continue;
        await Promise.all(unsent);
        [unsent, bytes] = [[], 0];
        if (this.#state !== state) return; // the node has refused it already
      }
      await Promise.all(unsent);
      if (this.#state === state) this.#awaitStatus();
    } catch (error) {
      this.#init.log.debug("transfer broke off", { node: this.#record.nodeId, error });
    } finally {
      transfer.release();
    }
  }

  #awaitStatus(): void {
    const { statusMs } = this.#init.times;
    clearTimeout(this.#statusDeadline);
    this.#statusDeadline = setTimeout(
      () => this.#endSilent(`no status of the transfer came for ${statusMs / 1_000} s`),
      statusMs,
    );
  }

  #endSilent(details: string): void {
    this.#init.counts.silent += 1;
    this.#init.log.warn("data plane is silent", { node: this.#record.nodeId, reason: details });
    this.end({ code: grpcStatus.DEADLINE_EXCEEDED, details });
  }

  #progress(state: Sending, status: Status): void {
    switch (status.phase) {
      case Phase.RECEIVED:
        state.isReceived = true;
        this.#note(state, { receivedUs: Number(status.elapsedUs) });
        break;
      case Phase.VALIDATED:
        this.#note(state, { validatedUs: Number(status.elapsedUs) });
        break;
      case Phase.APPLIED:
        this.#note(state, { appliedUs: Number(status.elapsedUs) });
        break;
      case Phase.SERVING:
        if (state.isReceived) this.#finish(state, status);
        return;
      case Phase.FAILED:
        if (status.rejected.length > 0) this.#refuse(state, status);
        else this.#repair(bounded(status.reason));
        return;
      case Phase.UNSPECIFIED:
        return;
    }
    this.#statusDeadline?.refresh();
  }

  #finish(state: Sending, status: Status): void {
    const { target } = state.transfer;
    if (Buffer.compare(status.digest, target.digest) !== 0) {
      this.#repair("the node serves another state than it was sent");
      return;
    }
    clearTimeout(this.#statusDeadline);
    this.#needsFull = false;
    this.#refused = undefined;
    this.#state = { kind: "idle" };
    const roundTripMs = Math.round((performance.now() - state.beganAtMs) * 100) / 100;
    const timings = this.#timings(state, { servingUs: Number(status.elapsedUs), roundTripMs });
    this.#update({
      held: target,
      serving: true,
      failure: undefined,
      refused: [],
      timings,
      rejected: this.#rejections(status),
    });
    this.wake();
  }

  /** Under the strict rule: sent again it would be refused again, so the node waits for the next generation. */
  #refuse({ transfer }: Sending, status: Status): void {
    clearTimeout(this.#statusDeadline);
    this.#refused = transfer.target.generation;
    this.#state = { kind: "idle" };
    this.#init.counts.failures += 1;
    const refused = this.#joined(status, this.#record.refused, "data plane refused a generation");
    this.#update({ failure: bounded(status.reason), refused });
    this.wake();
  }

  /** Said without a transfer: after hello, or when what is rejected has changed. */
  #serves(status: Status): void {
    const { held } = this.#record;
    if (held === undefined || !isSame(status.generation, held)) return;
    if (Buffer.compare(status.digest, held.digest) !== 0) {
      this.#repair("the node serves another state than it was brought to");
      return;
    }
    this.#update({ serving: true, rejected: this.#rejections(status) });
  }

  /** A full transfer is due: at once the first time, after a backoff when the node has failed before. */
  #repair(reason: string): void {
    const { nodeId, repairs } = this.#record;
    const isFailure = this.#state.kind === "sending";
    if (isFailure) this.#init.counts.failures += 1;
    this.#init.counts.repairs += 1;
    clearTimeout(this.#statusDeadline);
    this.#needsFull = true;
    const delayMs =
      isFailure || this.#failures > 0
        ? backoffDelayMs(this.#failures, this.#init.times.failureBackoff)
        : 0;
    this.#failures++;
    this.#refused = undefined;
    this.#init.log.warn("data plane needs a full transfer", { node: nodeId, reason, delayMs });
    this.#state = {
      kind: "resting",
      timer: setTimeout(() => {
        this.#state = { kind: "idle" };
        this.wake();
      }, delayMs),
    };
    this.#update({ failure: reason, repairs: repairs + 1 });
  }

  #rejections(status: Status): readonly NodeRejection[] {
    return this.#joined(status, this.#record.rejected, "data plane rejected a resource");
  }

  /** Joined with their sources; what was not known before is said. */
  #joined(
    status: Status,
    before: readonly NodeRejection[],
    message: string,
  ): readonly NodeRejection[] {
    const rejected = status.rejected.slice(0, maxRejections).map(this.#init.rejectionOf);
    const known = new Set(before.map(describeRejection));
    for (const rejection of rejected) {
      if (known.has(describeRejection(rejection))) continue;
      this.#init.log.warn(message, {
        node: this.#record.nodeId,
        resource: rejection.resource.name,
        reason: rejection.reason,
        source: rejection.source?.location,
      });
    }
    return rejected;
  }

  #note(state: Sending, timings: Partial<TransferTimings>): void {
    this.#update({ timings: this.#timings(state, timings) });
  }

  #timings({ transfer }: Sending, timings: Partial<TransferTimings>): TransferTimings {
    const { generation } = transfer.target;
    const before = this.#record.timings?.generation === generation ? this.#record.timings : {};
    return { ...before, generation, full: transfer.base === undefined, ...timings };
  }

  #update(change: Partial<NodeRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#init.onRecord(this.#record);
  }

  #sendHeartbeat(): void {
    // A transfer says as much, and behind one that is not read heartbeats would only queue.
    if (this.#state.kind === "sending" || this.#state.kind === "closed") return;
    const { generation, digest } = this.#init.committed.head ?? {};
    const value = { generation, digest: Buffer.from(digest ?? []) };
    this.#send(responseFrame({ $case: "heartbeat", value }));
  }

  #send(frame: Buffer): void {
    this.#init.stream.send(frame).catch((error: unknown) => {
      this.#init.log.debug("message not sent", { node: this.#record.nodeId, error });
    });
  }
}

function isSame(
  generation: Generation | undefined,
  held: { readonly generation: Generation | undefined } | undefined,
): boolean {
  if (generation === undefined || held?.generation === undefined) return false;
  const { fleetId } = held.generation;
  return generation.fleetId === fleetId && compareGenerations(generation, held.generation) === 0;
}

function describeRejection({ resource, reason }: NodeRejection): string {
  return `${resource.kind}:${resource.name}:${reason}`;
}
