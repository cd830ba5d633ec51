/**
 * The HTTP engine and its upstream connections, as they are, on sockets in memory: thousands of runs a second, at any
 * fragmentation, and with a mistake in any module.
 */
import type { OnReadOpts, Socket } from "node:net";
import { EntryPoint, ForwardedHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { importMutated, type Mutation } from "../support/mutated-modules.ts";
import { silentLog } from "../support/silent-log.ts";
import { MemorySocket, Turns } from "./memory-socket.ts";
import { okAnswer, type RequestCase, type ResponseCase } from "./stream-case.ts";

export interface GatewayModules {
  readonly sweeper: typeof import("../../data-plane/connection/deadline-sweeper.ts");
  readonly runtime: typeof import("../../data-plane/entry-point/entry-point-runtime.ts");
  readonly counters: typeof import("../../data-plane/metrics/request-counters.ts");
  readonly server: typeof import("../../data-plane/upstream/upstream-server.ts");
}

interface DialOptions {
  readonly onread: OnReadOpts;
}

/** What `connect` is in the copy of the upstream connections. */
const dialler: { dial(options: DialOptions): MemorySocket } = {
  dial() {
    throw new Error("nothing runs");
  },
};
Reflect.set(globalThis, "memoryDialler", dialler);

const dialsInMemory: Mutation = {
  file: "data-plane/upstream/upstream-connection.ts",
  replace: 'import { connect, type Socket } from "node:net";',
  by: 'import type { Socket } from "node:net";\nconst connect = (options) => memoryDialler.dial(options);',
};

/** The modules, with these mistakes. */
export async function importGateway(mistakes: readonly Mutation[] = []): Promise<GatewayModules> {
  const [sweeper, runtime, counters, server] = await importMutated(
    [dialsInMemory, ...mistakes],
    [
      "data-plane/connection/deadline-sweeper.ts",
      "data-plane/entry-point/entry-point-runtime.ts",
      "data-plane/metrics/request-counters.ts",
      "data-plane/upstream/upstream-server.ts",
    ],
  );
  return { sweeper, runtime, counters, server } as GatewayModules;
}

/** What came out on both sides. */
export interface Outcome {
  /** Of each upstream connection. */
  readonly upstreams: readonly string[];
  /** Without dates. */
  readonly client: string;
  readonly isClientEnded: boolean;
}

interface UpstreamSide {
  readonly socket: MemorySocket;
  received: string;
  answered: number;
}

/** One client connection through a gateway of its own. */
class Run {
  readonly turns = new Turns();
  readonly upstreams: UpstreamSide[] = [];
  readonly client: MemorySocket;
  heard = "";
  isEnded: boolean = false;
  readonly #respond: (upstream: UpstreamSide) => void;
  readonly #stop: () => void;

  constructor(modules: GatewayModules, respond: (upstream: UpstreamSide) => void) {
    this.#respond = respond;
    dialler.dial = (options) => this.#dial(options);
    const sweeper = new modules.sweeper.DeadlineSweeper(100_000);
    const server = new modules.server.UpstreamServer({
      host: "upstream",
      port: 80,
      authority: "upstream:80",
      path: "",
      preservePath: false,
      passHostHeader: true,
      transport: {
        dialTimeoutMs: 0,
        responseHeaderTimeoutMs: 0,
        idleConnectionTimeoutMs: 0,
        maxIdleConnectionsPerHost: 20,
      },
      sweeper,
    });
    const entryPoint = new modules.runtime.EntryPointRuntime({
      name: "web",
      settings: EntryPoint.create({
        maxHeaderBytes: 1_048_576,
        sanitizePath: true,
        forwardedHeaders: ForwardedHeaders.create(),
      }),
      handler: { current: { handle: (exchange) => server.forward(exchange) } },
      counters: new modules.counters.RequestCounters("web"),
      sweeper,
      log: silentLog,
    });
    this.client = new MemorySocket(this.turns, {
      written: (bytes) => {
        this.heard += bytes;
      },
      ended: () => {
        this.isEnded = true;
        this.turns.add(() => this.client.feedEnd());
      },
    });
    entryPoint.serve(this.client as unknown as Socket);
    this.#stop = () => {
      for (const connection of [this.client, ...this.upstreams.map(({ socket }) => socket)]) {
        connection.destroy();
      }
      this.turns.run();
    };
  }

  #dial({ onread }: DialOptions): MemorySocket {
    const socket: MemorySocket = new MemorySocket(
      this.turns,
      {
        written: (bytes) => {
          upstream.received += bytes;
          this.turns.add(() => this.#respond(upstream));
        },
        ended: () => this.turns.add(() => socket.feedEnd()),
      },
      onread,
    );
    const upstream: UpstreamSide = { socket, received: "", answered: 0 };
    this.upstreams.push(upstream);
    this.turns.add(() => socket.emit("connect"));
    return socket;
  }

  outcome(): Outcome {
    this.#stop();
    return {
      upstreams: this.upstreams.map(({ received }) => received),
      client: this.heard.replaceAll(/Date: [^\r\n]*\r\n/g, ""),
      isClientEnded: this.isEnded,
    };
  }
}

/** Length of the request at the beginning of `text`, or -1: of the gateway's own spelling, nothing else is understood. */
export function requestLength(text: string): number {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd === 3) return -1;
  const head = text.slice(0, headEnd);
  if (head.includes("\r\nTransfer-Encoding: chunked\r\n")) {
    if (!text.endsWith("\r\n\r\n")) return -1; // cheap to say, however many pieces come
    const end = /0\r\n(?:[^\r\n]+\r\n)*\r\n/y;
    let at = headEnd;
    for (;;) {
      const size = /^([1-9a-f][0-9a-f]*)\r\n/.exec(text.slice(at, at + 20));
      if (size === null) break;
      at += size[0].length + Number.parseInt(size[1] ?? "", 16) + 2;
    }
    end.lastIndex = at;
    return end.test(text) ? end.lastIndex : -1;
  }
  const length = Number(/\r\nContent-Length: (\d+)\r\n/.exec(head)?.[1] ?? 0);
  return text.length < headEnd + length ? -1 : headEnd + length;
}

/** The client's stream in these pieces; the upstream answers every whole request, HEAD without a body. */
export function runRequest(
  modules: GatewayModules,
  { endsHalf }: Pick<RequestCase, "endsHalf">,
  pieces: readonly string[],
): Outcome {
  const run = new Run(modules, (upstream) => {
    for (;;) {
      const rest = upstream.received.slice(upstream.answered);
      const length = requestLength(rest);
      if (length === -1) return;
      upstream.answered += length;
      upstream.socket.feed(rest.startsWith("HEAD ") ? okAnswer.slice(0, -2) : okAnswer);
    }
  });
  for (const piece of pieces) {
    if (piece !== "") run.client.feed(piece);
    run.turns.run();
  }
  if (endsHalf) run.client.feedEnd();
  run.turns.run();
  return run.outcome();
}

export const nextRequest = "GET /next HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n";
export const nextAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext";
export const nextHeard = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnext";

/** The upstream's answer in these pieces; when all is quiet the client asks once more. */
export function runResponse(
  modules: GatewayModules,
  { asked, endsConnection, rest }: Pick<ResponseCase, "asked" | "endsConnection" | "rest">,
  pieces: readonly string[],
): Outcome {
  let isFirst = true;
  const run = new Run(modules, (upstream) => {
    const unanswered = upstream.received.slice(upstream.answered);
    const isHead = isFirst && rest !== undefined && unanswered.includes("\r\n\r\n");
    const length = isHead ? unanswered.length : requestLength(unanswered);
    if (length === -1) return;
    upstream.answered += length;
    if (!isFirst) {
      upstream.socket.feed(nextAnswer);
      return;
    }
    isFirst = false;
    for (const piece of pieces) upstream.socket.feed(piece);
    if (endsConnection) upstream.socket.feedEnd();
  });
  for (const piece of [asked, rest ?? "", nextRequest]) {
    if (piece !== "") run.client.feed(piece);
    run.turns.run();
  }
  return run.outcome();
}
