import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { describeBindError } from "../../foundation/describe-bind-error.ts";
import { formatAddress, formatHostPort } from "../../foundation/format-address.ts";

/** Kernel keep-alive of accepted connections, as Traefik sets it. */
const keepAliveInitialDelayMs = 180_000;
/** The kernel caps it at net.core.somaxconn. */
const backlog = 4096;

export class EntryPointBindError extends Error {
  override readonly name = "EntryPointBindError";
  /** The system's code, `EADDRINUSE` among them. */
  readonly code: string | undefined;

  constructor(action: string, { cause }: { readonly cause: unknown }) {
    super(`${action}: ${describeBindError(cause)}`, { cause });
    this.code = (cause as NodeJS.ErrnoException).code;
  }
}

export interface EntryPointListenerInit {
  readonly entryPoint: string;
  /** "" is every interface, both families. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly onConnection: (entryPoint: string, socket: Socket) => void;
}

/**
 * The one listening socket of an entry point. It is bound before the generation that wants it has switched: connections
 * that come in between are held, unread, until `activate()`.
 */
export class EntryPointListener {
  readonly protocol = "tcp";
  readonly host: string;
  readonly port: number;
  readonly #onConnection: EntryPointListenerInit["onConnection"];
  readonly #server: Server;
  #entryPoint: string;
  #held: Socket[] | undefined = [];

  constructor({ entryPoint, host, port, onConnection }: EntryPointListenerInit) {
    this.#entryPoint = entryPoint;
    this.host = host;
    this.port = port;
    this.#onConnection = onConnection;
    this.#server = createServer(
      {
        allowHalfOpen: true, // an end of input is the protocol's business, not the listener's
        pauseOnConnect: true, // a socket that has been read from cannot be handed to a worker
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveInitialDelayMs,
      },
      (socket) => this.#accept(socket),
    );
  }

  get entryPoint(): string {
    return this.#entryPoint;
  }

  /** Where it is bound, once it is. */
  get address(): string {
    const address = this.#server.address() as AddressInfo | null;
    return address === null ? formatHostPort(this.host, this.port) : formatAddress(address);
  }

  /** Rejects with `EntryPointBindError`. */
  async bind(): Promise<void> {
    const { entryPoint, host, port } = this;
    try {
      this.#server.listen({ port, backlog, exclusive: true, ...(host === "" ? {} : { host }) });
      await once(this.#server, "listening");
      // Without a listener an accept error (out of descriptors) would end the process; the next accept tries again.
      this.#server.on("error", () => {});
    } catch (error) {
      throw new EntryPointBindError(
        `Cannot bind entry point "${entryPoint}" to ${formatHostPort(host, port)}`,
        {
          cause: error,
        },
      );
    }
  }

  activate(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const socket of held) this.#onConnection(this.entryPoint, socket);
  }

  /** A generation gives the same socket to an entry point of another name. */
  rename(entryPoint: string): void {
    this.#entryPoint = entryPoint;
  }

  endAccepting(): void {
    this.close();
  }

  /** Stops listening at once; connections already handed over are not touched. */
  close(): void {
    for (const socket of this.#held ?? []) socket.destroy();
    this.#held = [];
    this.#server.close();
  }

  #accept(socket: Socket): void {
    if (this.#held === undefined) this.#onConnection(this.entryPoint, socket);
    else this.#held.push(socket);
  }
}
