/**
 * A connection on an entry point that answers TLS requests, until it is known what it is: its first byte tells. What is
 * not TLS goes on as a plain connection, with its bytes; for TLS the ClientHello is read, options and certificate are
 * chosen by its server name, and after the handshake it goes on as an HTTP connection that knows its options.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { ClientAuth } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ConnectionSet, TrackedConnection } from "../connection/connection-set.ts";
import {
  type DeadlineHolder,
  type DeadlineSweeper,
  noDeadline,
} from "../connection/deadline-sweeper.ts";
import { handshakeRecord, readClientHello } from "./client-hello.ts";
import type { Credentials } from "./tls-material.ts";

export interface TlsAcceptance {
  /** 0: as long as it takes to say the first byte. */
  readonly readTimeoutMs: number;
  readonly connections: ConnectionSet;
  readonly sweeper: DeadlineSweeper;
  /** TLS options for a server name. */
  optionsFor(serverName: string): string;
  /** `address`: what the client connected to, when it asked for no name. Undefined: refuse. */
  credentialsFor(options: string, nameOrAddress: string): Credentials | undefined;
  servePlain(socket: Socket): void;
  serveTls(socket: TLSSocket, options: string): void;
}

const handshakeTimeoutMs = 10_000;

/** Fatal alert "handshake failure". */
const handshakeFailure = Buffer.of(0x15, 3, 3, 0, 2, 2, 0x28);

export class TlsAcceptor implements DeadlineHolder, TrackedConnection {
  deadlineMs = noDeadline;
  readonly #init: TlsAcceptance;
  readonly #raw: Socket;
  #socket: Socket;
  #held: Buffer | undefined;
  readonly #onData = (bytes: Buffer) => this.#receive(bytes);
  readonly #onEnd = () => this.destroy();

  /** The socket may be paused; nothing of it has been read. */
  constructor(socket: Socket, init: TlsAcceptance) {
    this.#init = init;
    this.#raw = socket;
    this.#socket = socket;
    const { sweeper, connections, readTimeoutMs } = init;
    socket.setNoDelay(true);
    socket.on("error", ignore);
    socket.on("close", () => this.#leave());
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    sweeper.add(this);
    this.deadlineMs = sweeper.deadlineAfter(readTimeoutMs);
    connections.add(this);
    socket.resume();
  }

  /** A handshake under way is let through: the connection it becomes is drained then. */
  beginDrain(): void {
    if (this.#held === undefined && this.#socket === this.#raw) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  deadlinePassed(): void {
    this.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.#held[0] !== handshakeRecord) {
      this.#letGo(this.#held);
      this.#leave();
      this.#init.servePlain(this.#raw);
      return;
    }
    const hello = readClientHello(this.#held);
    switch (hello.kind) {
      case "incomplete":
        return;
      case "malformed":
        this.destroy();
        return;
      case "complete":
        this.#secure(hello.serverName);
    }
  }

  /** Gives the bytes back to the socket for whoever reads it next. */
  #letGo(held: Buffer): void {
    const socket = this.#raw;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.unshift(held);
  }

  #secure(serverName: string): void {
    const { sweeper, optionsFor, credentialsFor } = this.#init;
    const options = optionsFor(serverName);
    const credentials = credentialsFor(options, serverName || (this.#raw.localAddress ?? ""));
    if (credentials === undefined) {
      this.#raw.off("data", this.#onData);
      this.#raw.end(handshakeFailure);
      this.#raw.destroySoon();
      return;
    }
    this.deadlineMs = sweeper.deadlineAfter(handshakeTimeoutMs);
    if (this.#held !== undefined) this.#letGo(this.#held);
    const { clientAuth } = credentials.options;
    const socket = new TLSSocket(this.#raw, {
      isServer: true,
      secureContext: credentials.context,
      ALPNProtocols: ["http/1.1"],
      requestCert: clientAuth !== ClientAuth.NONE,
      rejectUnauthorized:
        clientAuth === ClientAuth.REQUIRE_ANY || clientAuth === ClientAuth.REQUIRE_AND_VERIFY,
    });
    this.#socket = socket;
    socket.on("error", ignore);
    socket.once("close", () => this.#leave());
    socket.once("secure", () => {
      this.#leave();
      if (isClientAllowed(socket, clientAuth)) this.#init.serveTls(socket, options);
      else socket.destroy();
    });
  }

  #leave(): void {
    const { sweeper, connections } = this.#init;
    this.deadlineMs = noDeadline;
    this.#held = undefined;
    sweeper.delete(this);
    connections.delete(this);
  }
}

function ignore(): void {} // "close" follows

/** Node asks for a certificate and verifies it, and leaves the verdict to its own server: here that is us. */
function isClientAllowed(socket: TLSSocket, clientAuth: ClientAuth): boolean {
  switch (clientAuth) {
    case ClientAuth.NONE:
    case ClientAuth.REQUEST:
      return true;
    case ClientAuth.REQUIRE_ANY:
      return hasCertificate(socket);
    case ClientAuth.VERIFY_IF_GIVEN:
      return !hasCertificate(socket) || isVerified(socket);
    case ClientAuth.REQUIRE_AND_VERIFY:
      return hasCertificate(socket) && isVerified(socket);
  }
}

function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}

/** Through a private field of Node (docs/decisions/0008): where it is not as expected, nobody is verified. */
function isVerified(socket: TLSSocket): boolean {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return false;
  const verifyError: unknown = Reflect.get(handle, "verifyError");
  if (typeof verifyError !== "function") return false;
  const verdict: unknown = verifyError.call(handle);
  return verdict === null;
}
