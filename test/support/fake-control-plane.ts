import { crc32 } from "node:zlib";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { ChangeListParts } from "../../config-model/snapshot/change-list-codec.ts";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import {
  type FollowRequest,
  type FollowResponse,
  type Phase,
  type Status,
  TransferBegin,
  TransferChunk,
} from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { FleetServiceService } from "../../proto/gen/switchyard/fleet/v1/fleet_service.ts";
import { until } from "./until.ts";

type Message<T extends { message: { $case: string } | undefined }> = NonNullable<T["message"]>;
type Call = ServerDuplexStream<FollowRequest, FollowResponse>;

export interface FakeTransfer {
  readonly generation: Generation;
  readonly base?: Generation;
  readonly delta: SnapshotDelta;
  readonly digest: Uint8Array;
}

/** One data plane's stream as a control plane sees it. */
export class FakeNodeStream {
  readonly call: Call;
  readonly received: Message<FollowRequest>[] = [];
  isEnded = false;

  constructor(call: Call) {
    this.call = call;
    call.on("data", ({ message }: FollowRequest) => {
      if (message !== undefined) this.received.push(message);
    });
    const ended = () => {
      this.isEnded = true;
    };
    call.on("error", ended);
    call.on("end", ended);
    call.on("cancelled", ended);
  }

  send(message: Message<FollowResponse>): void {
    this.call.write({ message });
  }

  welcome(heartbeatIntervalMs = 60_000): void {
    const value = { protocol: 1, controlPlaneId: "cp-test", heartbeatIntervalMs };
    this.send({ $case: "welcome", value });
  }

  heartbeat(generation: Generation, digest: Uint8Array): void {
    this.send({ $case: "heartbeat", value: { generation, digest: Buffer.from(digest) } });
  }

  transfer(transfer: FakeTransfer): void {
    for (const message of transferMessages(transfer)) this.send(message);
  }

  async hello() {
    return until("hello", () => {
      const message = this.received.find(({ $case }) => $case === "hello");
      return message?.$case === "hello" ? message.value : undefined;
    });
  }

  /** The first status of that generation in that phase, past or to come. */
  async status(number: bigint, phase: Phase, where = (_: Status) => true): Promise<Status> {
    return until(`status ${phase} of generation ${number}`, () =>
      this.statuses().find(
        (status) => status.generation?.number === number && status.phase === phase && where(status),
      ),
    );
  }

  statuses(): Status[] {
    return this.received.flatMap((m) => (m.$case === "status" ? [m.value] : []));
  }
}

/** `partBytes` is what a chunk is aimed at, where the default is too large for a test. */
export function transferMessages(
  transfer: FakeTransfer,
  partBytes?: number,
): Message<FollowResponse>[] {
  const { generation, base, delta, digest } = transfer;
  const parts = [...new ChangeListParts(delta, partBytes)];
  return [
    {
      $case: "begin",
      value: TransferBegin.fromPartial({
        generation,
        chunkCount: parts.length,
        ...(base && { base }),
      }),
    },
    ...parts.map((changes, index) => ({
      $case: "chunk" as const,
      value: TransferChunk.fromPartial({ index, changes, crc32: crc32(changes) }),
    })),
    { $case: "commit", value: { generation, digest: Buffer.from(digest), sources: [] } },
  ];
}

/** Accepts streams over real gRPC and leaves it to the test what to say. */
export class FakeControlPlane implements AsyncDisposable {
  readonly streams: FakeNodeStream[] = [];
  /** Called with every stream that opens. */
  onStream: (stream: FakeNodeStream) => void = () => {};
  readonly #server = new Server();
  address = "";

  async start(
    address = "127.0.0.1:0",
    credentials: ServerCredentials = ServerCredentials.createInsecure(),
  ): Promise<this> {
    this.#server.addService(FleetServiceService, {
      follow: (call: Call) => {
        const stream = new FakeNodeStream(call);
        this.streams.push(stream);
        this.onStream(stream);
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.address = address.startsWith("unix:") ? address : `127.0.0.1:${port}`;
    return this;
  }

  /** The stream with that index, once it has opened. */
  async stream(index = 0): Promise<FakeNodeStream> {
    return until(`stream ${index}`, () => this.streams[index]);
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }
}

/** Digest of a state that consists of these deltas, applied in order. */
export function digestOf(...deltas: readonly SnapshotDelta[]): Uint8Array {
  const snapshot = new KeyedSnapshot();
  for (const delta of deltas) snapshot.apply(delta);
  return snapshot.digest();
}
