/**
 * One stream with one control plane, from hello to its end. Cases:
 *
 * - transfer: collected, then applied while reading goes on (heartbeats must be seen); phases are reported as they come
 * - transfer of an older generation, or of another fleet: refused with a status, its chunks skipped
 * - heartbeat with our generation and digest: the state is confirmed
 * - heartbeat with our generation and another digest: broken, so that the next hello gets the difference
 * - heartbeat with a newer generation and no transfer for `stallMs` (`failedStallMs` after one that failed): a logical
 *   stall, broken
 * - heartbeat with an older generation, or another fleet's: after `behindMs` another control plane is tried, if there is one
 * - drain: ends when the transfer under way has
 */
import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";
import type { Logger } from "../../foundation/log.ts";
import {
  Compression,
  type Drain,
  type FollowRequest,
  type FollowResponse,
  type Heartbeat,
  type HeldObjects,
  Phase,
  type TransferBegin,
  type TransferCommit,
  type Welcome,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { builtFeatures } from "../builder/built-features.ts";
import type { RejectedResource } from "../worker/worker-protocol.ts";
import type { ControlPlaneContact } from "./control-plane-contact.ts";
import type { NodeIdentity } from "./node-identity.ts";
import { describe, type Running, shortHex } from "./node-state.ts";
import type { PhaseReport } from "./snapshot-applier.ts";
import { type SnapshotStream, StreamBrokenError, StreamRefusedError } from "./snapshot-stream.ts";
import { statusMessage } from "./status-message.ts";
import type { TransferChecks } from "./transfer-checks.ts";
import { type ReceivedTransfer, TransferError, TransferReceiver } from "./transfer-receiver.ts";

const protocol = 1;

/** The node as the stream sees it. */
export interface FollowedNode {
  readonly running: Running | undefined;
  readonly isServing: boolean;
  rejected(): readonly RejectedResource[];
  /** How much of what it holds is whose. */
  heldObjects(): readonly HeldObjects[];
  /** What an operator should know about a node that serves (`persist_failed: ENOSPC`); "" when nothing. */
  readonly warning: string;
  /** Never rejects. */
  apply(transfer: ReceivedTransfer, report: (phase: PhaseReport) => void): Promise<void>;
  /** Calls back whenever `rejected()` or `warning` may have changed outside a transfer; replaces the callback before. */
  onConditionChange(listener: () => void): void;
}

export interface FollowSessionInit {
  readonly stream: SnapshotStream;
  readonly node: FollowedNode;
  readonly identity: NodeIdentity;
  readonly contact: ControlPlaneContact;
  /** Fleet that may take over a node that holds another fleet's state. */
  readonly adoptFleet: string | undefined;
  readonly hasOtherControlPlanes: boolean;
  readonly stallMs: number;
  /** The same after a transfer has failed: the control plane repeats it after a backoff of its own. */
  readonly failedStallMs: number;
  readonly behindMs: number;
  /** The control plane answered and means this node. */
  readonly onWelcome: (welcome: Welcome) => void;
  readonly checks: TransferChecks;
  /** The stream has done something useful: later failures start from the shortest delay. */
  readonly onProven: () => void;
  readonly log: Logger;
}

export class FollowSession {
  readonly #init: FollowSessionInit;
  #state: "open" | "ended" = "open";
  #receiver: TransferReceiver | undefined;
  #applying = 0;
  #drain: Drain | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** A transfer has failed since the last that serves. */
  #hasFailed: boolean = false;
  #differsSinceMs: number | undefined;

  constructor(init: FollowSessionInit) {
    this.#init = init;
  }

  /** Resolves when the control plane drains; rejects when the stream is broken or refused. */
  async run(): Promise<Drain> {
    const { stream, node, contact } = this.#init;
    try {
      node.onConditionChange(() => this.#reportServing());
      this.#send({ $case: "hello", value: this.#hello() });
      for await (const { message } of stream.messages) {
        contact.heard();
        if (message !== undefined) this.#receive(message);
        this.#endIfDrained();
      }
      if (this.#drain !== undefined) return this.#drain;
      throw new StreamBrokenError("the control plane ended the stream");
    } catch (error) {
      if (this.#drain !== undefined) return this.#drain;
      throw error;
    } finally {
      this.#state = "ended";
      clearInterval(this.#heartbeat);
      node.onConditionChange(() => {});
      stream.close();
    }
  }

  get #isIdle(): boolean {
    return this.#receiver === undefined && this.#applying === 0;
  }

  #receive(message: NonNullable<FollowResponse["message"]>): void {
    switch (message.$case) {
      case "welcome":
        this.#welcome(message.value);
        break;
      case "begin":
        this.#begin(message.value);
        break;
      case "chunk":
        this.#attempt((receiver) => receiver.add(message.value));
        break;
      case "commit":
        this.#attempt((receiver) => this.#commit(receiver, message.value));
        break;
      case "heartbeat":
        this.#compare(message.value);
        break;
      case "drain":
        this.#drain = message.value;
        break;
    }
  }

  /** The last status must arrive, so this is no reason to close at once. */
  #endIfDrained(): void {
    if (this.#drain !== undefined && this.#isIdle) this.#init.stream.end();
  }

  #hello() {
    const { identity, node, adoptFleet } = this.#init;
    const { nodeId, incarnation, labels, version } = identity;
    const { running } = node;
    // A control plane refuses a node that holds another fleet's state; one that may move comes as if it held nothing.
    const mayMove = adoptFleet !== undefined && adoptFleet !== running?.generation.fleetId;
    const told = mayMove ? undefined : running;
    return {
      protocol,
      nodeId,
      incarnation,
      labels: [...labels],
      running: told?.generation,
      digest: Buffer.from(told?.digest ?? []),
      features: [...builtFeatures],
      version,
      compressions: [Compression.ZSTD],
      heldObjects: told === undefined ? [] : [...node.heldObjects()],
    };
  }

  #welcome(welcome: Welcome): void {
    if (welcome.protocol !== protocol) {
      throw new StreamRefusedError(
        `the control plane speaks protocol ${welcome.protocol}, this data plane ${protocol}`,
      );
    }
    this.#init.onWelcome(welcome);
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(
      () => this.#sendHeartbeat(),
      welcome.heartbeatIntervalMs || 2_000,
    );
    this.#reportServing();
  }

  #begin(begin: TransferBegin): void {
    if (this.#applying > 1) throw new StreamBrokenError("more than one transfer is in flight");
    try {
      this.#receiver = new TransferReceiver(begin, this.#init.checks);
      this.#admit(this.#receiver.generation);
    } catch (error) {
      this.#giveUp(begin.generation, error);
    }
  }

  /** Throws `TransferError` when this generation may not replace what the node holds. */
  #admit(generation: Generation): void {
    const { node, adoptFleet, checks } = this.#init;
    const held = node.running?.generation;
    if (held === undefined) return;
    if (generation.fleetId !== held.fleetId) {
      if (generation.fleetId === adoptFleet) return;
      throw new TransferError(
        `generation ${describe(generation)} is of fleet ${generation.fleetId}, this node holds state of fleet ${held.fleetId} (--adopt-fleet=${generation.fleetId} lets it move)`,
      );
    }
    if (!checks.mayReplace(held, generation)) {
      throw new TransferError(
        `generation ${describe(generation)} is older than ${describe(held)}, which this node holds`,
      );
    }
  }

  /** Without a receiver the message belongs to a transfer that has been given up. */
  #attempt(step: (receiver: TransferReceiver) => void): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    try {
      step(receiver);
    } catch (error) {
      this.#giveUp(receiver.generation, error);
    }
  }

  #giveUp(generation: Generation | undefined, error: unknown): void {
    if (!(error instanceof TransferError)) throw error;
    this.#receiver = undefined;
    this.#hasFailed = true;
    const { node, log } = this.#init;
    log.error("transfer refused", { generation: describe(generation), reason: error.message });
    if (generation === undefined) return;
    this.#report({
      transfer: { generation, beganAtMs: performance.now() },
      phase: Phase.FAILED,
      digest: node.running?.digest,
      reason: error.message,
    });
  }

  #commit(receiver: TransferReceiver, commit: TransferCommit): void {
    const transfer = receiver.commit(commit);
    this.#receiver = undefined;
    const { node } = this.#init;
    this.#report({ transfer, phase: Phase.RECEIVED, digest: node.running?.digest });
    this.#applying += 1;
    this.#init.stream.expectSilence(true);
    void node
      .apply(transfer, (report) => this.#progress(report))
      .finally(() => {
        this.#applying -= 1;
        if (this.#applying === 0) this.#init.stream.expectSilence(false);
        this.#endIfDrained();
      });
  }

  #compare({ generation, digest }: Heartbeat): void {
    const { node, contact, log, onProven, hasOtherControlPlanes } = this.#init;
    const { stallMs, failedStallMs, behindMs } = this.#init;
    const held = node.running;
    if (generation === undefined || held === undefined || !this.#isIdle) {
      this.#differsSinceMs = undefined;
      return;
    }
    const sameFleet = generation.fleetId === held.generation.fleetId;
    const order = compareGenerations(generation, held.generation);
    if (sameFleet && order === 0) {
      this.#differsSinceMs = undefined;
      if (Buffer.compare(digest, held.digest) !== 0) {
        throw new StreamBrokenError(
          `the control plane has digest ${shortHex(digest)} for generation ${describe(generation)}, this node ${shortHex(held.digest)}`,
        );
      }
      contact.confirmed();
      onProven();
      return;
    }
    this.#differsSinceMs ??= performance.now();
    const forMs = performance.now() - this.#differsSinceMs;
    const isNewer = sameFleet && order > 0;
    if (isNewer && forMs >= (this.#hasFailed ? failedStallMs : stallMs)) {
      throw new StreamBrokenError(
        `the control plane is at generation ${describe(generation)} and sends nothing`,
      );
    }
    if (!isNewer && forMs >= behindMs && hasOtherControlPlanes) {
      log.warn("control plane is behind what this node holds", {
        generation: describe(generation),
        fleet: generation.fleetId,
        held: describe(held.generation),
      });
      throw new StreamBrokenError("the control plane is behind what this node holds");
    }
  }

  /** What the control plane learns after a reconnect, or when a listener or a worker changed what is rejected. */
  #reportServing(): void {
    const { node } = this.#init;
    if (node.running === undefined || !node.isServing) return;
    const { generation, digest } = node.running;
    this.#report({
      transfer: { generation, beganAtMs: performance.now() },
      phase: Phase.SERVING,
      digest,
      rejected: node.rejected(),
      reason: node.warning,
    });
  }

  #progress(report: PhaseReport): void {
    if (report.phase === Phase.SERVING) {
      this.#hasFailed = false;
      this.#init.contact.confirmed();
      this.#init.onProven();
      this.#report({ ...report, reason: this.#init.node.warning });
      return;
    }
    if (report.phase === Phase.FAILED) this.#hasFailed = true;
    this.#report(report);
  }

  #report(report: PhaseReport): void {
    this.#send({ $case: "status", value: statusMessage(report) });
  }

  #sendHeartbeat(): void {
    const { stream, node } = this.#init;
    if (!stream.isWritable) return;
    const value = {
      generation: node.running?.generation,
      digest: Buffer.from(node.running?.digest ?? []),
    };
    this.#send({ $case: "heartbeat", value });
  }

  #send(message: NonNullable<FollowRequest["message"]>): void {
    if (this.#state === "open") this.#init.stream.send({ message });
  }
}
