/**
 * The socket of the stream service. It listens itself and hands connections to gRPC, for three reasons: errors of
 * binding arrive with their code, a Unix socket is never reachable before its mode is set, and the connection of a
 * stalled node can be cut, for which grpc-js has no means.
 */
import { chmod, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { StreamBindError } from "./stream-bind-error.ts";

/** `sun_path` of Linux, less its closing NUL. */
const maxSocketPathBytes = 107;

export class StreamListener {
  readonly #server: Server;
  /** By `address:port` of the peer, as gRPC names it; connections over a Unix socket have none. */
  readonly #sockets = new Map<string, Socket>();
  readonly #unnamed = new Set<Socket>();
  #socketPath: string | undefined;
  #address = "";

  constructor(onConnection: (socket: Socket) => void) {
    // A transfer is several small frames: with Nagle's algorithm the second would wait for a delayed acknowledgement.
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#track(socket);
      onConnection(socket);
    });
  }

  /** `host:port`, or `unix:/path`. */
  get address(): string {
    return this.#address;
  }

  /** `address` as `host:port`, `[::1]:port` or `unix:/path`; port 0 takes a free one. Rejects with `StreamBindError`. */
  async listen(address: string): Promise<void> {
    try {
      if (address.startsWith("unix:")) await this.#listenUnix(address.slice("unix:".length));
      else await this.#listenTcp(address);
    } catch (cause) {
      throw new StreamBindError(address, { cause });
    }
  }

  /** Ends the connection of `peer` without ceremony. */
  cut(peer: string): void {
    this.#sockets.get(peer)?.destroy();
  }

  /** Accepts nothing more. */
  async close(): Promise<void> {
    this.#server.close();
    if (this.#socketPath !== undefined) await rm(this.#socketPath, { force: true });
  }

  destroyConnections(): void {
    for (const socket of [...this.#sockets.values(), ...this.#unnamed]) socket.destroy();
  }

  async #listenTcp(address: string): Promise<void> {
    const url = `tcp://${address}`;
    if (!URL.canParse(url)) throw new Error("it is no HOST:PORT");
    const { hostname, port } = new URL(url);
    if (hostname === "" || port === "") throw new Error("it is no HOST:PORT");
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    await this.#bound({ host, port: Number(port), exclusive: true });
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("it has no port");
    const shown = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    this.#address = `${shown}:${bound.port}`;
  }

  /** Bound in a folder only we can enter, made private, then moved to its place over whatever a dead process left. */
  async #listenUnix(path: string): Promise<void> {
    const folder = await mkdtemp(join(dirname(path), ".s"));
    try {
      const hidden = join(folder, "s");
      const longest = Math.max(Buffer.byteLength(hidden), Buffer.byteLength(path));
      if (longest > maxSocketPathBytes) throw new Error("the path is too long for a socket");
      await this.#bound({ path: hidden });
      await chmod(hidden, 0o600);
      await rename(hidden, path);
      this.#socketPath = path;
    } catch (error) {
      this.#server.close();
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    this.#address = `unix:${path}`;
  }

  async #bound(options: Parameters<Server["listen"]>[0]): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(options, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  #track(socket: Socket): void {
    // gRPC has its own listener only once the connection is a session.
    socket.on("error", () => socket.destroy());
    if (socket.remoteAddress === undefined || socket.remotePort === undefined) {
      this.#unnamed.add(socket);
      socket.once("close", () => this.#unnamed.delete(socket));
      return;
    }
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#sockets.set(peer, socket);
    socket.once("close", () => this.#sockets.delete(peer));
  }
}
