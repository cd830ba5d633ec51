import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP relay that counts the bytes it carries towards the client: what a stream costs on the wire. */
export class CountingRelay implements AsyncDisposable {
  bytesToClient = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: string) {
    const [host = "", port = ""] = target.split(":");
    // Nagle's algorithm would add its delays to what is measured.
    this.#server = createServer({ noDelay: true }, (client) => {
      const upstream = connect({ port: Number(port), host, noDelay: true });
      this.#sockets.add(client).add(upstream);
      upstream.on("data", (chunk) => {
        this.bytesToClient += chunk.length;
      });
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) {
        // Either side gone takes the other with it: the endpoints reconnect by themselves.
        socket.on("error", () => {});
        socket.on("close", () => {
          client.destroy();
          upstream.destroy();
          this.#sockets.delete(socket);
        });
      }
    });
  }

  static async start(target: string): Promise<CountingRelay> {
    const relay = new CountingRelay(target);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
