/**
 * A TCP proxy in the test's process that misbehaves on command. `pass` carries everything; `drop` carries nothing and says
 * nothing, as a cut cable does; `mute` carries what the client says and drops the answers; `refuse` closes at once. A connection keeps what it has seen when the mode changes, so
 * `drop` then `pass` is a cable plugged in again.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

type Mode = "pass" | "drop" | "mute" | "refuse";

export class FaultProxy implements AsyncDisposable {
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #targets = new Set<Socket>();
  #mode: Mode = "pass";
  #cutAfterBytes = Number.POSITIVE_INFINITY;
  /** Connections taken since the start. */
  accepted = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set mode(mode: Mode) {
    this.#mode = mode;
    for (const socket of [...this.#clients, ...this.#targets]) this.#obey(socket);
  }

  /** Every new connection is reset once it has carried this many bytes towards the client. */
  set cutAfterBytes(bytes: number) {
    this.#cutAfterBytes = bytes;
  }

  /** Resets every open connection. */
  reset(): void {
    for (const socket of [...this.#clients, ...this.#targets]) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [...this.#clients, ...this.#targets]) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    if (this.#mode === "refuse") {
      client.destroy();
      return;
    }
    const target = connect(this.#targetPort, "127.0.0.1");
    let left = this.#cutAfterBytes;
    this.#track(client, this.#clients, target);
    this.#track(target, this.#targets, client);
    client.on("data", (chunk) => target.write(chunk));
    target.on("data", (chunk: Buffer) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      // After what was written, or the client would see less than it was promised.
      client.write("", () => client.resetAndDestroy());
      target.destroy();
    });
    this.#obey(client);
    this.#obey(target);
  }

  #obey(socket: Socket): void {
    const fromEtcd = this.#targets.has(socket);
    if (this.#mode === "refuse") socket.destroy();
    else if (this.#mode === "drop" || (this.#mode === "mute" && fromEtcd)) socket.pause();
    else socket.resume();
  }

  #track(socket: Socket, side: Set<Socket>, other: Socket): void {
    side.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      side.delete(socket);
      if (this.#mode !== "drop") other.destroy();
    });
  }
}
