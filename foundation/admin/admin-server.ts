/**
 * The admin listener of a process, loopback only. It answers who names it by its own address, so that no web page can
 * read it through a name that resolves to this machine. What changes something needs a token, comes from no web page, and
 * leaves a line in the log.
 */
import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { formatAddress, formatHostPort, parseHostPort } from "../format-address.ts";
import type { Logger } from "../log.ts";
import { AdminBindError } from "./admin-bind-error.ts";
import { type AdminAction, type AdminAnswer, type AdminPage, errorAnswer } from "./admin-page.ts";
import { isLoopback, isOwnHost } from "./loopback.ts";

export interface AdminServerInit {
  /** `control-plane` or `data-plane`, for the log. */
  readonly name: string;
  /** `host:port`; port 0 picks a free one. */
  readonly address: string;
  /** Nobody asked for this address: when its port is taken, a free one does. */
  readonly isMovable: boolean;
  /** By path. A page that throws is a 500. */
  readonly pages: ReadonlyMap<string, AdminPage>;
  /** By path, asked with POST. */
  readonly actions?: ReadonlyMap<string, AdminAction>;
  /** Needed for actions; without it they are all refused. */
  readonly token?: string;
  readonly log: Logger;
}

// An import touches every export, and the one for WebSockets loads an HTTP client of Node's own: 30 ms at every start.
const { createServer } = process.getBuiltinModule("node:http");

/** A client gets this long for its request, and may then stay as long for the next one. */
const requestTimeoutMs = 10_000;

export class AdminServer implements AsyncDisposable {
  readonly #init: AdminServerInit;
  readonly #host: string;
  readonly #port: number;
  readonly #server: Server;
  #stopped: Promise<void> | undefined;

  constructor(init: AdminServerInit) {
    this.#init = init;
    const { host, port } = parseHostPort(init.address) ?? { host: "", port: 0 };
    this.#host = host;
    this.#port = port;
    const options = {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      keepAliveTimeout: requestTimeoutMs,
      maxHeaderSize: 16_384,
    };
    this.#server = createServer(options, (request, response) => {
      void this.#serve(request, response);
    });
  }

  /** Where it is bound, once it is; the configured address before. */
  get address(): string {
    const bound = this.#server.address() as AddressInfo | null;
    return bound === null ? this.#init.address : formatAddress(bound);
  }

  /** Resolves once bound; rejects with one sentence, `AdminBindError` when the system refuses. */
  async start(): Promise<void> {
    this.#requireLoopback();
    const { name, address, isMovable, log } = this.#init;
    try {
      await this.#listen(this.#port);
    } catch (error) {
      if (!isMovable || !isPortInUse(error)) throw new AdminBindError(address, { cause: error });
      await this.#listen(0);
      log.warn("admin port is in use, moved to a free one", { wanted: address });
    }
    this.#server.on("error", (error) => log.warn("admin listener failed", { error }));
    log.info("listening", { listener: "admin", name, address: this.address });
  }

  /** Ends requests under way. Repeatable. */
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

  #requireLoopback(): void {
    const { address } = this.#init;
    if (parseHostPort(address) === undefined) {
      throw new Error(`Cannot bind admin to ${address}: it is not host:port`);
    }
    if (!isLoopback(this.#host)) {
      const loopback = formatHostPort("127.0.0.1", this.#port);
      throw new Error(
        `Cannot bind admin to ${address}: beyond loopback it needs TLS and a token, which are not supported yet; use ${loopback}`,
      );
    }
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen({ host: this.#host, port, exclusive: true });
    await once(this.#server, "listening");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, body } = await this.#answer(request);
    response.writeHead(status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(status === 405 ? { allow: this.#methodsOf(request) } : {}),
      // What is refused may carry a body nobody will read.
      ...(status < 400 ? {} : { connection: "close" }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer(request: IncomingMessage): Promise<AdminAnswer> {
    if (!isOwnHost(request.headers.host, this.#host)) {
      return errorAnswer(403, "the Host header does not name this server");
    }
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    const action = this.#init.actions?.get(path);
    if (action !== undefined) return await this.#act(path, action, request);
    const page: AdminPage | undefined = this.#init.pages.get(path);
    if (page === undefined) return errorAnswer(404, "there is no such page");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return errorAnswer(405, "only GET and HEAD are allowed");
    }
    try {
      const answer: Promise<AdminAnswer> = page();
      return await answer;
    } catch (error) {
      this.#init.log.error("admin page failed", { path, error });
      return errorAnswer(500, "the page could not be made, the log says why");
    }
  }

  #methodsOf({ url = "/" }: IncomingMessage): string {
    return this.#init.actions?.has(url.split("?", 1)[0] ?? "") === true ? "POST" : "GET, HEAD";
  }

  async #act(path: string, action: AdminAction, request: IncomingMessage): Promise<AdminAnswer> {
    if (request.method !== "POST") return errorAnswer(405, "only POST is allowed");
    // Browsers send it with whatever a page asks of another origin.
    if (request.headers.origin !== undefined) return errorAnswer(403, "no web page may do this");
    if (!isToken(request.headers.authorization, this.#init.token)) {
      return errorAnswer(401, "this needs the token of the admin (Authorization: Bearer ...)");
    }
    const { log } = this.#init;
    try {
      const body = await readJson(request);
      if (body === undefined)
        return errorAnswer(400, `the body must be JSON of at most ${maxBodyBytes} bytes`);
      const answer = await action(body);
      const peer = request.socket.remoteAddress;
      log.info("admin action", { path, body: JSON.stringify(body), peer, status: answer.status });
      return answer;
    } catch (error) {
      log.error("admin action failed", { path, error });
      return errorAnswer(500, "it failed, the log says why");
    }
  }
}

const maxBodyBytes = 16_384;

/** Absent: too long, or no JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function isToken(header: string | undefined, token: string | undefined): boolean {
  if (header === undefined || token === undefined) return false;
  const [given, wanted] = [Buffer.from(header), Buffer.from(`Bearer ${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function isPortInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
