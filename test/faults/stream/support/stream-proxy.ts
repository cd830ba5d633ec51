/**
 * Stands between data planes and a control plane and sees every message of a stream, decoded. What passes is what the
 * test makes of it; `cut` ends a stream as a killed process does, without a word.
 */
import { once } from "node:events";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import {
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import type {
  FollowRequest,
  FollowResponse,
} from "../../../../proto/gen/switchyard/fleet/v1/fleet.ts";
import {
  FleetServiceClient,
  FleetServiceService,
} from "../../../../proto/gen/switchyard/fleet/v1/fleet_service.ts";

export type Response = NonNullable<FollowResponse["message"]>;
export type Request = NonNullable<FollowRequest["message"]>;
export type Down = ServerDuplexStream<FollowRequest, FollowResponse>;

export class StreamProxy implements AsyncDisposable {
  /** What reaches the node instead of the message; an empty list loses it. */
  onResponse: (message: Response) => readonly Response[] = (message) => [message];
  /** What reaches the control plane instead of the message. */
  onRequest: (message: Request) => readonly Request[] = (message) => [message];
  opened = 0;
  readonly #target: string;
  readonly #grpc = new Server();
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #closers = new Set<() => void>();

  private constructor(target: string) {
    this.#target = target;
    this.#grpc.addService(FleetServiceService, { follow: (down: Down) => this.#follow(down) });
    const injector = this.#grpc.createConnectionInjector(
      // Insecure, as everything on loopback in tests.
      ServerCredentials.createInsecure(),
    );
    this.#listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
  }

  static async start(target: string): Promise<StreamProxy> {
    const proxy = new StreamProxy(target);
    proxy.#listener.listen(0, "127.0.0.1");
    await once(proxy.#listener, "listening");
    return proxy;
  }

  get address(): string {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("the proxy is closed");
    return `127.0.0.1:${address.port}`;
  }

  /** Ends every connection without ceremony. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#grpc.forceShutdown();
    this.cut();
    for (const close of this.#closers) close();
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #follow(down: Down): void {
    this.opened += 1;
    const client = new FleetServiceClient(this.#target, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
    });
    const up: ClientDuplexStream<FollowRequest, FollowResponse> = client.follow();
    const close = () => {
      up.cancel();
      client.close();
      this.#closers.delete(close);
    };
    this.#closers.add(close);
    down.on("data", ({ message }: FollowRequest) => {
      if (message === undefined) return;
      for (const passed of this.onRequest(message)) up.write({ message: passed });
    });
    down.on("end", () => up.end());
    down.on("error", () => {});
    down.on("cancelled", close);
    up.on("data", ({ message }: FollowResponse) => {
      if (message === undefined) return;
      for (const passed of this.onResponse(message)) down.write({ message: passed });
    });
    up.on("error", (error) => {
      down.emit("error", error);
      close();
    });
    up.on("end", () => {
      down.end();
      close();
    });
  }
}
