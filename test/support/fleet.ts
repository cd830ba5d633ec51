/** A fleet of real processes on one machine: control plane, data planes, services behind them, and clients. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort, Program } from "./program.ts";

/** A service that answers with its name. */
export class Origin implements AsyncDisposable {
  readonly name: string;
  readonly #server: Server;

  private constructor(name: string, server: Server) {
    this.name = name;
    this.#server = server;
  }

  static async start(name: string): Promise<Origin> {
    const server = createServer((incoming, response) => {
      incoming.resume();
      response.end(name);
    });
    // Longer than any test: a pooled connection closed between two requests is another test's subject.
    server.keepAliveTimeout = 300_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Origin(name, server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface GetOptions {
  readonly host?: string;
  readonly path?: string;
  readonly authorization?: string;
  readonly agent?: Agent;
}

/** One GET to `HOST:PORT`; rejects when no whole answer comes within 5 s. */
export function get(
  address: string,
  { host, path = "/", authorization, agent }: GetOptions = {},
): Promise<Answer> {
  const [hostname, port] = address.split(":");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request(
    {
      hostname,
      port,
      path,
      agent: agent ?? false,
      timeout: 5_000,
      headers: {
        ...(host !== undefined && { Host: host }),
        ...(authorization !== undefined && { Authorization: authorization }),
      },
    },
    (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    },
  );
  outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within 5 s")));
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}

/** Waits until GETs are answered with `body`; resolves with how long that took. */
export async function served(
  address: string,
  body: string,
  options?: GetOptions,
  withinMs?: number,
) {
  const startedAtMs = performance.now();
  await eventually(async () => {
    const answer = await get(address, options);
    if (answer.body !== body)
      throw new Error(`${address} answers ${answer.status} "${answer.body}"`);
  }, withinMs);
  return performance.now() - startedAtMs;
}

/** GETs at a steady rate over keep-alive connections, all through whatever a test does meanwhile. */
export class Prober implements AsyncDisposable {
  readonly answers: Answer[] = [];
  readonly failures: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Set<Promise<void>>();

  constructor(
    address: string,
    { perSecond = 200, ...options }: GetOptions & { perSecond?: number } = {},
  ) {
    this.#timer = setInterval(() => {
      const probe: Promise<void> = get(address, { ...options, agent: this.#agent }).then(
        (answer) => void this.answers.push(answer),
        (error: Error) => void this.failures.push(error.message),
      );
      this.#running.add(probe);
      void probe.then(() => this.#running.delete(probe));
    }, 1_000 / perSecond);
  }

  /** Answers that are not 200, and requests without an answer. */
  get errors(): readonly string[] {
    const refused = this.answers.filter(({ status }) => status !== 200);
    return [...this.failures, ...refused.map(({ status, body }) => `${status} ${body}`)];
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    this.#agent.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export interface DataPlaneOptions {
  readonly workers?: number;
  readonly flags?: readonly string[];
  /** State directory of an earlier one: the same node comes back. */
  readonly stateDir?: string;
  /** Instead of the fleet's stream address. */
  readonly controlPlane?: string;
}

/** Processes and their directories; everything ends with it. */
export class Fleet implements AsyncDisposable {
  readonly directory: string;
  readonly streamAddress: string;
  readonly #programs: Program[] = [];
  #count = 0;

  private constructor(directory: string, streamPort: number) {
    this.directory = directory;
    this.streamAddress = `127.0.0.1:${streamPort}`;
  }

  static async create(): Promise<Fleet> {
    return new Fleet(await mkdtemp(join(tmpdir(), "switchyard-fleet-")), await freePort());
  }

  /** `flags` name the provider; without entry points among them there is `web` on a free port. */
  controlPlane(...flags: readonly string[]): Program {
    const hasEntryPoint = flags.some((flag) => flag.startsWith("--entryPoints."));
    return this.#run([
      "control-plane",
      `--state-dir=${join(this.directory, "control-plane")}`,
      `--fleet.stream.address=${this.streamAddress}`,
      "--fleet.admin.address=127.0.0.1:0",
      "--fleet.insecure=true",
      "--providers.providersThrottleDuration=0",
      ...(hasEntryPoint ? [] : ["--entryPoints.web.address=127.0.0.1:0"]),
      ...flags,
    ]);
  }

  dataPlane({
    workers = 1,
    flags = [],
    stateDir,
    controlPlane = this.streamAddress,
  }: DataPlaneOptions = {}): Program {
    this.#count += 1;
    return this.#run([
      "data-plane",
      `--control-plane=${controlPlane}`,
      "--insecure",
      `--workers=${workers}`,
      `--state-dir=${stateDir ?? join(this.directory, `data-plane-${this.#count}`)}`,
      "--admin=127.0.0.1:0",
      ...flags,
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.destroy()));
    await rm(this.directory, { recursive: true, force: true });
  }

  #run(args: readonly string[]): Program {
    const program = new Program(args);
    this.#programs.push(program);
    return program;
  }
}
