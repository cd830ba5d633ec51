/** A client that says exactly what it is told, byte for byte, and keeps what it hears. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { until } from "./until.ts";

export class RawClient implements Disposable {
  readonly socket: Socket;
  /** Everything heard so far, one character per byte. */
  received = "";
  /** The other side has ended, or the connection is gone. */
  isEnded: boolean = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.received += bytes.toString("latin1");
    });
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#ended());
    socket.on("error", () => {}); // "close" follows
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves with everything heard, once `pattern` is in it. */
  async hears(pattern: string | RegExp): Promise<string> {
    await until(`${pattern} in ${JSON.stringify(this.received)}`, () =>
      typeof pattern === "string" ? this.received.includes(pattern) : pattern.test(this.received),
    );
    return this.received;
  }

  /** Resolves with everything heard, once the other side has ended. */
  async hearsEnd(): Promise<string> {
    await until(`the end after ${JSON.stringify(this.received)}`, () => this.isEnded);
    return this.received;
  }

  /** Sends, and resolves with what comes back up to the end of the connection. */
  static async exchange(port: number, text: string): Promise<string> {
    using client = await RawClient.connect(port);
    client.send(text);
    return await client.hearsEnd();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #ended(): void {
    this.isEnded = true;
  }
}
