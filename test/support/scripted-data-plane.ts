/**
 * A data plane of the fleet protocol alone: real gRPC, real state by key, no routing. What it does wrong is chosen by
 * the test. It checks what a data plane must check, so that it can tell what a control plane got wrong.
 */
import { crc32 } from "node:zlib";
import { type ChannelCredentials, credentials, type ServiceError } from "@grpc/grpc-js";
import { decodeChangeList } from "../../config-model/snapshot/change-list-codec.ts";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import {
  type FollowRequest,
  type FollowResponse,
  Hello,
  Phase,
  type Rejection,
  type TransferBegin,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { FleetServiceClient } from "../../proto/gen/switchyard/fleet/v1/fleet_service.ts";

/** What carries a stream; gRPC unless a test says otherwise. */
export interface NodeTransport {
  write(request: FollowRequest): void;
  pause(): void;
  resume(): void;
  cancel(): void;
}

export interface TransportHandlers {
  readonly onMessage: (response: FollowResponse) => void;
  readonly onEnd: (end: ServiceError | "closed") => void;
}

export interface ScriptedDataPlaneInit {
  readonly nodeId?: string;
  /** Believes what it is sent: says of its state what it was told, and compares nothing. */
  readonly isTrusting?: boolean;
  readonly dial: (handlers: TransportHandlers) => NodeTransport;
}

/** Dials over gRPC; `close` when it is not needed any more. */
export function grpcDial(address: string, creds?: ChannelCredentials) {
  const client = new FleetServiceClient(address, creds ?? credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
  });
  const dial = ({ onMessage, onEnd }: TransportHandlers): NodeTransport => {
    const call = client.follow();
    call.on("data", onMessage);
    call.on("error", onEnd);
    call.on("end", () => onEnd("closed"));
    return call;
  };
  return { dial, close: () => client.close() };
}

export interface ReceivedTransfer {
  readonly begin: TransferBegin;
  readonly bytes: number;
  readonly delta: SnapshotDelta;
}

export class ScriptedDataPlane {
  readonly nodeId: string;
  incarnation = 1n;
  state = new KeyedSnapshot();
  generation: Generation | undefined;
  /** Sent in place of the truth. */
  claims: { generation?: Generation; digest?: Uint8Array } = {};
  rejected: readonly Rejection[] = [];
  /** Called before a transfer is applied: returns the delta to apply instead; throws to fail the transfer. */
  onTransfer: (delta: SnapshotDelta) => SnapshotDelta = (delta) => delta;
  /** Statuses are held back while false. */
  answers: boolean = true;
  readonly transfers: ReceivedTransfer[] = [];
  readonly messages: FollowResponse[] = [];
  /** How the last stream ended; absent while it is open. */
  ended: ServiceError | "closed" | undefined;
  readonly #dial: ScriptedDataPlaneInit["dial"];
  #transport: NodeTransport | undefined;
  readonly #isTrusting: boolean;
  #told: Uint8Array = new Uint8Array(0);
  #begin: TransferBegin | undefined;
  #chunks: Buffer[] = [];

  constructor({ nodeId = "node-1", isTrusting = false, dial }: ScriptedDataPlaneInit) {
    this.#isTrusting = isTrusting;
    this.nodeId = nodeId;
    this.#dial = dial;
  }

  get digest(): Uint8Array {
    return this.#isTrusting ? this.#told : this.state.digest();
  }

  /** A stream without a hello. */
  open(): void {
    this.ended = undefined;
    const transport: NodeTransport = this.#dial({
      onMessage: (response) => {
        if (this.#transport === transport) this.#receive(response);
      },
      onEnd: (end) => {
        if (this.#transport === transport) this.ended ??= end;
      },
    });
    this.#transport = transport;
  }

  connect(hello: Partial<Hello> = {}): void {
    this.open();
    const value = Hello.fromPartial({
      protocol: 1,
      nodeId: this.nodeId,
      incarnation: this.incarnation,
      labels: [{ key: "zone", value: "a" }],
      version: "0.0.0-test",
      ...(this.generation && { running: this.generation }),
      digest: Buffer.from(this.generation === undefined ? [] : this.digest),
      ...hello,
    });
    this.send({ $case: "hello", value });
  }

  send(message: NonNullable<FollowRequest["message"]>): void {
    this.#transport?.write({ message });
  }

  sendHeartbeat(): void {
    const { generation = this.generation, digest = this.digest } = this.claims;
    this.send({ $case: "heartbeat", value: { generation, digest: Buffer.from(digest) } });
  }

  /** Starts again with nothing. */
  forget(): void {
    this.state = new KeyedSnapshot();
    this.generation = undefined;
  }

  /** RECEIVED and SERVING for the state it holds, as after a transfer. */
  reportServing(): void {
    if (this.generation === undefined) throw new Error("the node holds nothing");
    this.#report(this.generation, Phase.RECEIVED);
    this.#report(this.generation, Phase.SERVING);
  }

  /** Reads nothing more until `resume()`. */
  pause(): void {
    this.#transport?.pause();
  }

  resume(): void {
    this.#transport?.resume();
  }

  disconnect(): void {
    this.#transport?.cancel();
    this.#transport = undefined;
    this.#begin = undefined;
  }

  #receive(response: FollowResponse): void {
    this.messages.push(response);
    const { message } = response;
    switch (message?.$case) {
      case "begin":
        if (this.#begin !== undefined) throw new Error("two transfers are in flight");
        this.#begin = message.value;
        this.#chunks = [];
        break;
      case "chunk": {
        const { index, changes, crc32: expected } = message.value;
        if (index !== this.#chunks.length) throw new Error(`chunk ${index} is out of order`);
        if (crc32(changes) !== expected) throw new Error(`chunk ${index} has a wrong checksum`);
        this.#chunks.push(changes);
        break;
      }
      case "commit":
        this.#commit(message.value.digest);
        break;
      case "welcome":
      case "heartbeat":
      case "drain":
      case undefined:
        break;
    }
  }

  #commit(digest: Uint8Array): void {
    const begin = this.#begin;
    this.#begin = undefined;
    if (begin?.generation === undefined) throw new Error("a commit came without a transfer");
    if (begin.chunkCount !== this.#chunks.length) throw new Error("chunks are missing");
    const parts = this.#chunks.map(decodeChangeList);
    const delta = {
      upserts: parts.flatMap(({ upserts }) => upserts),
      removals: parts.flatMap(({ removals }) => removals),
    };
    const bytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.transfers.push({ begin, bytes, delta });
    this.#report(begin.generation, Phase.RECEIVED);
    const before = this.state;
    try {
      const applied = this.onTransfer(delta);
      if (begin.base === undefined) this.state = new KeyedSnapshot();
      const undo = this.state.apply(applied);
      this.#told = digest;
      if (Buffer.compare(this.digest, digest) !== 0) {
        if (this.state === before) this.state.undo(undo);
        throw new Error("digest mismatch");
      }
    } catch (error) {
      this.state = before;
      this.#report(begin.generation, Phase.FAILED, (error as Error).message);
      return;
    }
    this.generation = begin.generation;
    for (const phase of [Phase.VALIDATED, Phase.APPLIED, Phase.SERVING]) {
      this.#report(begin.generation, phase);
    }
  }

  #report(generation: Generation, phase: Phase, reason = ""): void {
    if (!this.answers) return;
    this.send({
      $case: "status",
      value: {
        generation,
        phase,
        elapsedUs: 100n,
        digest: Buffer.from(this.claims.digest ?? this.digest),
        rejected: phase === Phase.SERVING ? [...this.rejected] : [],
        reason,
      },
    });
  }
}
