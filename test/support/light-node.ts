/**
 * A data plane that costs next to nothing, so that one machine can hold a thousand: a real stream with all its messages,
 * checked chunks, no state. It believes the digest it is told.
 */
import { crc32 } from "node:zlib";
import { type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { backoffDelayMs } from "../../foundation/backoff.ts";
import {
  Compression,
  type FollowRequest,
  type FollowResponse,
  Hello,
  Phase,
  Status,
  type TransferBegin,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { FleetServiceClient } from "../../proto/gen/switchyard/fleet/v1/fleet_service.ts";

export interface LightNodeInit {
  readonly address: string;
  readonly nodeId: string;
  /** Says in its hello that it holds nothing. */
  readonly isForgetful: boolean;
  readonly onGeneration: (number: bigint) => void;
}

/** As a data plane waits. */
const backoff = { baseMs: 250, maxMs: 10_000 };

export class LightNode {
  generation: TransferBegin["generation"];
  isConnected = false;
  fullTransfers = 0;
  deltas = 0;
  bytes = 0;
  readonly #init: LightNodeInit;
  #digest: Buffer = Buffer.alloc(0);
  #begin: TransferBegin | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #delayMs: number | undefined;
  #close = () => {};

  constructor(init: LightNodeInit) {
    this.#init = init;
  }

  connect(): void {
    const client = new FleetServiceClient(this.#init.address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
      "grpc-node.flow_control_window": 1024 * 1024,
    });
    const call = client.follow();
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      clearInterval(this.#heartbeat);
      this.isConnected = false;
      client.close();
      this.#retry = setTimeout(
        () => this.connect(),
        this.#delayMs ?? backoffDelayMs(this.#failures++, backoff),
      );
      this.#delayMs = undefined;
    };
    this.#close = () => {
      isOver = true;
      clearInterval(this.#heartbeat);
      call.cancel();
      client.close();
    };
    call.on("data", (response: FollowResponse) => this.#receive(call, response));
    call.on("error", over);
    call.on("end", over);
    const { nodeId, isForgetful } = this.#init;
    const value = Hello.fromPartial({
      protocol: 1,
      nodeId,
      incarnation: 1n,
      version: "0.0.0-light",
      compressions: [Compression.ZSTD],
      ...(this.generation !== undefined && !isForgetful && { running: this.generation }),
      digest: isForgetful ? Buffer.alloc(0) : this.#digest,
    });
    call.write({ message: { $case: "hello", value } });
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#close();
  }

  #receive(
    call: ClientDuplexStream<FollowRequest, FollowResponse>,
    { message }: FollowResponse,
  ): void {
    switch (message?.$case) {
      case "welcome":
        this.isConnected = true;
        this.#failures = 0;
        if (this.generation !== undefined) this.#report(call, Phase.SERVING);
        this.#heartbeat = setInterval(() => {
          const value = { generation: this.generation, digest: this.#digest };
          call.write({ message: { $case: "heartbeat", value } });
        }, message.value.heartbeatIntervalMs);
        break;
      case "begin":
        this.#begin = message.value;
        if (message.value.base === undefined) this.fullTransfers += 1;
        else this.deltas += 1;
        break;
      case "chunk":
        if (crc32(message.value.changes) !== message.value.crc32)
          throw new Error("a damaged chunk");
        this.bytes += message.value.changes.length;
        break;
      case "commit":
        this.generation = this.#begin?.generation;
        this.#digest = Buffer.from(message.value.digest);
        this.#report(call, Phase.RECEIVED);
        this.#report(call, Phase.SERVING);
        if (this.generation !== undefined) this.#init.onGeneration(this.generation.number);
        break;
      case "drain":
        this.#delayMs = message.value.reconnectAfterMs;
        call.end();
        break;
      case "heartbeat":
      case undefined:
        break;
    }
  }

  #report(call: ClientDuplexStream<FollowRequest, FollowResponse>, phase: Phase): void {
    const { generation } = this;
    const value = Status.fromPartial({
      ...(generation !== undefined && { generation }),
      phase,
      digest: this.#digest,
    });
    call.write({ message: { $case: "status", value } });
  }
}
