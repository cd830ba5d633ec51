/**
 * The data plane's own HTTP endpoint, for probes and metrics: reading only, loopback only. The Host header is checked,
 * so that a web page cannot read it through a name that resolves to this machine.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeBindError } from "../../foundation/describe-bind-error.ts";
import { formatAddress, parseHostPort } from "../../foundation/format-address.ts";
import type { Logger } from "../../foundation/log.ts";

export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface AdminServerInit {
  /** `HOST:PORT`. */
  readonly address: string;
  /** False: a port that is taken is left for a free one. */
  readonly isRequired: boolean;
  /** By path; a page that throws is a 500. */
  readonly pages: Readonly<Record<string, () => AdminAnswer | Promise<AdminAnswer>>>;
  readonly log: Logger;
}

export class AdminServer implements AsyncDisposable {
  readonly #init: AdminServerInit;
  readonly #server: Server;
  #stopped: Promise<void> | undefined;

  constructor(init: AdminServerInit) {
    this.#init = init;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Where it is bound, once it is. */
  get address(): string {
    const address = this.#server.address() as AddressInfo | null;
    return address === null ? this.#init.address : formatAddress(address);
  }

  /** Rejects with a sentence that names the flag. */
  async start(): Promise<void> {
    const { address, isRequired, log } = this.#init;
    const wanted = parseHostPort(address);
    if (wanted === undefined) {
      throw new Error(`Cannot bind admin to ${address}: it is not HOST:PORT (--admin)`);
    }
    const { host, port } = wanted;
    if (!isLoopback(host)) {
      throw new Error(
        `Cannot bind admin to ${address}: it has no TLS, so only a loopback address is allowed (--admin=127.0.0.1:${port})`,
      );
    }
    try {
      await this.#listen(host, port);
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!isTaken || isRequired) {
        throw new Error(
          `Cannot bind admin to ${address}: ${describeBindError(error)}; choose another with --admin`,
          { cause: error },
        );
      }
      await this.#listen(host, 0);
      log.warn("admin address is in use, moved to a free port", { wanted: address });
    }
    this.#server.on("error", (error) => log.warn("admin listener failed", { error }));
    log.info("listening", { listener: "admin", name: "admin", address: this.address });
  }

  /** May be called any number of times. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #listen(host: string, port: number): Promise<void> {
    this.#server.listen({ host, port, exclusive: true });
    await once(this.#server, "listening");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, body, allow } = await this.#answer(request);
    response.writeHead(status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(allow === undefined ? {} : { allow }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer(request: IncomingMessage): Promise<AdminAnswer & { readonly allow?: string }> {
    if (!isOwnHost(request.headers.host)) return text(403, "Host is not this admin's");
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const page = Object.hasOwn(this.#init.pages, path) ? this.#init.pages[path] : undefined;
    if (page === undefined) return text(404, "not found");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { ...text(405, "only GET is served here"), allow: "GET, HEAD" };
    }
    try {
      return await page();
    } catch (error) {
      this.#init.log.error("admin page failed", { path, error });
      return text(500, "failed");
    }
  }
}

export function text(status: number, line: string): AdminAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${line}\n` };
}

function isOwnHost(header: string | undefined): boolean {
  if (header === undefined) return false;
  const host = parseHostPort(header)?.host ?? header.replace(/^\[(.*)\]$/, "$1");
  return isLoopback(host);
}

function isLoopback(host: string): boolean {
  return (
    host.toLowerCase() === "localhost" ||
    host === "::1" ||
    /^127\.(?:\d{1,3})\.(?:\d{1,3})\.(?:\d{1,3})$/.test(host)
  );
}
