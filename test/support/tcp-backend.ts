/** A TCP server that does what it is told with each connection, and keeps what it hears. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export class TcpBackend implements AsyncDisposable {
  readonly #server: Server;
  readonly sockets: Socket[] = [];
  /** Everything heard, by connection. */
  readonly heard: Buffer[][] = [];

  constructor(serve: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const chunks: Buffer[] = [];
      this.sockets.push(socket);
      this.heard.push(chunks);
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      serve(socket);
    });
  }

  static async start(serve: (socket: Socket) => void): Promise<TcpBackend> {
    const backend = new TcpBackend(serve);
    backend.#server.listen(0, "127.0.0.1");
    await once(backend.#server, "listening");
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Of the newest connection. */
  get lastHeard(): Buffer {
    return Buffer.concat(this.heard.at(-1) ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
