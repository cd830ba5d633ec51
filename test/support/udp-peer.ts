/** A UDP socket of a test: keeps what comes in, and may answer it. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { until } from "./until.ts";

type Answer = (datagram: Buffer, from: RemoteInfo) => Buffer | string | undefined;

export class UdpPeer implements AsyncDisposable {
  readonly heard: Buffer[] = [];
  readonly from: RemoteInfo[] = [];
  readonly socket: Socket;

  private constructor(socket: Socket, answer: Answer) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("message", (datagram, from) => {
      this.heard.push(datagram);
      this.from.push(from);
      const answered = answer(datagram, from);
      if (answered !== undefined) socket.send(answered, from.port, from.address);
    });
  }

  static async start(answer: Answer = () => undefined, address = "127.0.0.1"): Promise<UdpPeer> {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.bind({ port: 0, address, exclusive: true });
    await once(socket, "listening");
    return new UdpPeer(socket, answer);
  }

  /** Answers `name:datagram`. */
  static named(name: string, address?: string): Promise<UdpPeer> {
    return UdpPeer.start((datagram) => `${name}:${datagram}`, address);
  }

  get port(): number {
    return this.socket.address().port;
  }

  get texts(): readonly string[] {
    return this.heard.map(String);
  }

  send(datagram: string | Uint8Array, port: number, address = "127.0.0.1"): void {
    this.socket.send(datagram, port, address);
  }

  /** What is answered to `datagram`. */
  async ask(datagram: string | Uint8Array, port: number, address?: string): Promise<string> {
    const before = this.heard.length;
    this.send(datagram, port, address);
    await until(`an answer to ${String(datagram).slice(0, 40)}`, () => this.heard.length > before);
    return String(this.heard.at(-1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }
}
