/**
 * A connection that has to be looked at before it is known whose it is: its first bytes tell. What is not TLS goes on as
 * a plain connection; for TLS the ClientHello is read and a route is found by what it says. There it goes on after a
 * handshake with the route's options and the certificate for its server name, or as it is. Whoever takes it over reads
 * every byte that was looked at.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { GrowingBuffer } from "../../foundation/growing-buffer.ts";
import { ClientAuth } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ConnectionSet, TrackedConnection } from "../connection/connection-set.ts";
import {
  type DeadlineHolder,
  type DeadlineSweeper,
  noDeadline,
} from "../connection/deadline-sweeper.ts";
import { sslAccepted } from "../tcp/postgres-request.ts";
import type { HelloFacts } from "./client-hello.ts";
import { isClientAllowed } from "./client-verdict.ts";
import { type Opening, OpeningReader } from "./connection-opening.ts";
import type { Credentials } from "./tls-material.ts";

export type TlsRoute =
  | {
      readonly kind: "terminate";
      /** Name of TLS options. */
      readonly options: string;
      /** What is agreed to, in order of preference; `configured`: what the options list. */
      readonly protocols: (configured: readonly string[]) => readonly string[];
      readonly serve: (socket: TLSSocket) => void;
    }
  /** The bytes go on as they came, ClientHello first. */
  | { readonly kind: "passThrough"; readonly serve: (socket: Socket) => void }
  | { readonly kind: "refuse" };

/** What a client has said so far. */
export interface TlsRequest extends HelloFacts {
  readonly socket: Socket;
  /** It has asked for TLS the way Postgres clients do, and has been let in. */
  readonly isPostgres: boolean;
}

export interface TlsAcceptance {
  /** How long it may take until the ClientHello is there; 0: as long as it takes to say the first byte. */
  readonly readTimeoutMs: number;
  readonly answersPostgres: boolean;
  readonly connections: ConnectionSet;
  readonly sweeper: DeadlineSweeper;
  /** Takes over what is not TLS; the socket is paused. */
  servePlain(socket: Socket): void;
  routeTls(request: TlsRequest): TlsRoute;
  /** `address`: what the client connected to, when it asked for no name. Undefined: refuse. */
  credentialsFor(options: string, nameOrAddress: string): Credentials | undefined;
}

const handshakeTimeoutMs = 10_000;

/** Fatal alert "handshake failure". */
const handshakeFailure = Buffer.of(0x15, 3, 3, 0, 2, 2, 0x28);

export class TlsAcceptor implements DeadlineHolder, TrackedConnection {
  deadlineMs = noDeadline;
  readonly #init: TlsAcceptance;
  readonly #raw: Socket;
  readonly #opening: OpeningReader;
  readonly #held = new GrowingBuffer();
  #socket: Socket;
  #isPostgres: boolean = false;
  readonly #onData = (bytes: Buffer) => this.#receive(bytes);
  readonly #onEnd = () => this.destroy();

  /** The socket may be paused; nothing of it has been read. */
  constructor(socket: Socket, init: TlsAcceptance) {
    this.#init = init;
    this.#raw = socket;
    this.#socket = socket;
    const { sweeper, connections, readTimeoutMs, answersPostgres } = init;
    this.#opening = new OpeningReader(answersPostgres);
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

  /** What has begun is let through: the connection it becomes is drained then. */
  beginDrain(): void {
    const hasBegun = this.#held.length > 0 || this.#isPostgres || this.#socket !== this.#raw;
    if (!hasBegun) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  deadlinePassed(): void {
    this.destroy();
  }

  #receive(bytes: Buffer): void {
    if (this.#held.length === 0 && this.deadlineMs === noDeadline) {
      this.deadlineMs = this.#init.sweeper.deadlineAfter(handshakeTimeoutMs);
    }
    this.#held.append(bytes);
    this.#take(this.#opening.push(bytes));
  }

  #take(opening: Opening): void {
    switch (opening.kind) {
      case "incomplete":
        return;
      case "malformed":
        this.destroy();
        return;
      case "plain":
        this.#handOver((socket) => this.#init.servePlain(socket));
        return;
      case "sslRequest":
        this.#isPostgres = true;
        this.#held.take();
        this.#raw.write(Buffer.of(sslAccepted));
        if (opening.rest.length > 0) this.#receive(opening.rest);
        return;
      case "tls":
        this.#route(opening);
    }
  }

  #route({ serverName, alpnProtocols }: HelloFacts): void {
    const socket = this.#raw;
    const isPostgres = this.#isPostgres;
    const route = this.#init.routeTls({ socket, serverName, alpnProtocols, isPostgres });
    switch (route.kind) {
      case "terminate":
        this.#terminate(serverName, route);
        return;
      case "passThrough":
        this.#handOver(route.serve);
        return;
      case "refuse":
        this.#refuse();
    }
  }

  #terminate(serverName: string, route: TlsRoute & { readonly kind: "terminate" }): void {
    const { sweeper, credentialsFor } = this.#init;
    const raw = this.#raw;
    const credentials = credentialsFor(route.options, serverName || (raw.localAddress ?? ""));
    if (credentials === undefined) {
      this.#refuse();
      return;
    }
    this.deadlineMs = sweeper.deadlineAfter(handshakeTimeoutMs);
    this.#giveBack();
    const { clientAuth, alpnProtocols } = credentials.options;
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: credentials.context,
      ALPNProtocols: [...route.protocols(alpnProtocols)],
      requestCert: clientAuth !== ClientAuth.NONE,
      rejectUnauthorized:
        clientAuth === ClientAuth.REQUIRE_ANY || clientAuth === ClientAuth.REQUIRE_AND_VERIFY,
    });
    this.#socket = socket;
    socket.on("error", ignore);
    socket.once("close", () => this.#leave());
    socket.once("secure", () => {
      if (isClientAllowed(socket, clientAuth)) {
        route.serve(socket);
        this.#leave();
      } else socket.destroy();
    });
  }

  #refuse(): void {
    this.#raw.off("data", this.#onData);
    this.#raw.end(handshakeFailure);
    this.#raw.destroySoon();
  }

  #handOver(serve: (socket: Socket) => void): void {
    this.#giveBack();
    serve(this.#raw);
    // Not before it is somebody else's: a drain must not miss it in between.
    this.#leave();
  }

  /** The bytes back to the socket, for whoever reads it next. */
  #giveBack(): void {
    const socket = this.#raw;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.unshift(this.#held.take());
  }

  #leave(): void {
    const { sweeper, connections } = this.#init;
    this.deadlineMs = noDeadline;
    sweeper.delete(this);
    connections.delete(this);
  }
}

function ignore(): void {} // "close" follows
