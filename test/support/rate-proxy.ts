import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const tickMs = 20;

/** A TCP proxy that carries so many bytes a second towards the client, as a narrow link does. */
export class RateProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(target: string, bytesPerSecond: number) {
    const [host = "", port = ""] = target.split(":");
    const bytesPerTick = Math.ceil((bytesPerSecond * tickMs) / 1_000);
    this.#server = createServer({ noDelay: true }, (client) => {
      const upstream = connect({ host, port: Number(port), noDelay: true });
      client.pipe(upstream);
      upstream.pause();
      const timer = setInterval(() => {
        const chunk = upstream.read(Math.min(bytesPerTick, upstream.readableLength)) as Buffer;
        if (chunk !== null) client.write(chunk);
      }, tickMs);
      this.#timers.add(timer);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          clearInterval(timer);
          this.#timers.delete(timer);
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
    });
  }

  static async start(target: string, bytesPerSecond: number): Promise<RateProxy> {
    const proxy = new RateProxy(target, bytesPerSecond);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
