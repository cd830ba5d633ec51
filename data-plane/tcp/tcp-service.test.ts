import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { TcpServer } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { until } from "../../test/support/until.ts";
import { ConnectionSet } from "../connection/connection-set.ts";
import { sslRequest } from "./postgres-request.ts";
import { TcpService } from "./tcp-service.ts";

class Listener implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  readonly #server: Server;

  constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.sockets.push(socket);
      socket.on("error", () => {});
      onConnection(socket);
    });
  }

  static async start(onConnection: (socket: Socket) => void): Promise<Listener> {
    const listener = new Listener(onConnection);
    listener.#server.listen(0, "127.0.0.1");
    await once(listener.#server, "listening");
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const transport = { dialTimeoutMs: 30_000, dialKeepAliveMs: 15_000, terminationDelayMs: 100 };

/** An entry point in front of a service with these servers. */
async function proxyTo(
  servers: readonly TcpServer[],
  settings: Partial<typeof transport> = {},
  asksForTls = false,
) {
  const connections = new ConnectionSet();
  const service = new TcpService({
    name: "db@file",
    fingerprint: "f",
    servers,
    transport: { tcp: { ...transport, ...settings } },
    log: silentLog,
  });
  const listener = await Listener.start((socket) =>
    service.serve(socket, { connections, asksForTls }),
  );
  return { listener, connections };
}

function local({ port }: Listener): TcpServer {
  return { host: "127.0.0.1", port };
}

async function dial({ port }: Listener): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += chunk;
  return text;
}

test("TcpService passes bytes and ends both ways", async () => {
  await using server = await Listener.start((socket) => {
    socket.write("hello "); // the server speaks first
    socket.on("data", (chunk: Buffer) => socket.write(chunk));
    socket.on("end", () => socket.end(" bye"));
    socket.resume();
  });
  const { listener, connections } = await proxyTo([local(server)]);
  await using _ = listener;
  const client = await dial(listener);
  client.end("echo");
  assert.equal(await readAll(client), "hello echo bye");
  await until("both sockets to be closed", () => connections.size === 0);
});

test("TcpService cuts the other half once the termination delay has passed", async () => {
  await using server = await Listener.start((socket) => socket.resume()); // never ends
  const { listener, connections } = await proxyTo([local(server)], { terminationDelayMs: 20 });
  await using _ = listener;
  const client = await dial(listener);
  client.end("done");
  assert.equal(await readAll(client), "");
  await until("both sockets to be closed", () => connections.size === 0);
});

test("TcpService with a negative termination delay waits for the other half", async () => {
  const finish = Promise.withResolvers<void>();
  await using server = await Listener.start((socket) => {
    socket.resume();
    socket.on("end", () => void finish.promise.then(() => socket.end("late")));
  });
  const { listener } = await proxyTo([local(server)], { terminationDelayMs: -1 });
  await using _ = listener;
  const client = await dial(listener);
  client.end();
  await until("the end to arrive", () => server.sockets[0]?.readableEnded);
  finish.resolve();
  assert.equal(await readAll(client), "late");
});

test("TcpService holds a writer back while the reader stands still, and loses nothing", async () => {
  const total = 16 * 1024 * 1024;
  await using server = await Listener.start(() => {}); // paused: reads nothing
  const { listener } = await proxyTo([local(server)]);
  await using _ = listener;
  const client = await dial(listener);
  client.write(Buffer.alloc(total, 7));
  client.end();
  const upstream = await until("the server's connection", () => server.sockets[0]);
  const proxied = await until("the proxy's connection", () => listener.sockets[0]);
  let seen = -1;
  await until("the proxy to stop reading", () => {
    const stands = proxied.bytesRead > 0 && proxied.bytesRead === seen && proxied.isPaused();
    seen = proxied.bytesRead;
    return stands;
  });
  assert(proxied.bytesRead < total, "what is not read must stay with the client");
  let received = 0;
  upstream.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  upstream.resume();
  await once(upstream, "end");
  assert.equal(received, total);
});

test("TcpService lets servers take turns", async () => {
  const greet = (word: string) => (socket: Socket) => void socket.end(word);
  await using a = await Listener.start(greet("a"));
  await using b = await Listener.start(greet("b"));
  const { listener } = await proxyTo([local(a), local(b)]);
  await using _ = listener;
  const answers: string[] = [];
  for (let i = 0; i < 4; i += 1) {
    const client = await dial(listener);
    answers.push(await readAll(client));
    client.destroy();
  }
  assert.deepEqual(answers, ["a", "b", "a", "b"]);
});

test("TcpService closes the client when there is no server, or none that answers", async () => {
  const gone = await Listener.start(() => {});
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  for (const servers of [[], [{ host: "127.0.0.1", port }]]) {
    const { listener, connections } = await proxyTo(servers);
    await using _ = listener;
    const client = connect({ port: listener.port, host: "127.0.0.1" });
    client.on("error", () => {});
    await once(client.resume(), "close");
    assert.equal(connections.size, 0);
  }
});

/** A listening port whose queue is full: its thread stands still, so nobody is ever let in any more. */
async function silentPort(): Promise<{ port: number } & AsyncDisposable> {
  const program = `
    const { parentPort } = require("node:worker_threads");
    const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const thread = new Worker(program, { eval: true });
  const [port] = (await once(thread, "message")) as [number];
  const queued = Array.from({ length: 4 }, () => connect({ port, host: "127.0.0.1" }));
  for (const socket of queued) socket.on("error", () => {});
  await until("the queue to be full", () => queued.some((socket) => !socket.connecting));
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy();
      await thread.terminate();
    },
  };
}

test("TcpService gives up dialling after its timeout", async () => {
  await using silent = await silentPort();
  const { listener, connections } = await proxyTo([{ host: "127.0.0.1", port: silent.port }], {
    dialTimeoutMs: 50,
  });
  await using _ = listener;
  const startedMs = performance.now();
  const client = connect({ port: listener.port, host: "127.0.0.1" });
  client.on("error", () => {});
  await once(client.resume(), "close");
  assert(performance.now() - startedMs >= 45, "not before its timeout");
  await until("both sockets to be closed", () => connections.size === 0);
});

test("a TCP connection that outlives the grace of a drain is cut", async () => {
  await using server = await Listener.start((socket) => socket.resume());
  const { listener, connections } = await proxyTo([local(server)]);
  await using _ = listener;
  const client = await dial(listener);
  await until("the server's connection", () => server.sockets[0]);
  await connections.drain(10);
  client.resume();
  await until("the client to see the end", () => client.readableEnded);
  client.destroy();
  await until("the server to see the end", () => server.sockets[0]?.readableEnded);
});

test("TcpService asks a server for TLS before the client's bytes, and keeps its answer to itself", async () => {
  for (const pieces of [["S", "early"], ["Searly"]]) {
    const heard: Buffer[] = [];
    await using server = await Listener.start((socket) => {
      socket.on("data", (chunk: Buffer) => heard.push(chunk));
      socket.once("data", () => {
        for (const piece of pieces) socket.write(piece);
      });
      socket.on("end", () => socket.end(" late"));
      socket.resume();
    });
    const { listener, connections } = await proxyTo([local(server)], {}, true);
    await using _ = listener;
    const client = await dial(listener);
    client.end("hello");
    assert.equal(await readAll(client), "early late");
    assert.deepEqual(Buffer.concat(heard), Buffer.concat([sslRequest, Buffer.from("hello")]));
    await until("both sockets to be closed", () => connections.size === 0);
  }
});

test("TcpService gives up a server that never answers whether it takes TLS", async () => {
  await using server = await Listener.start((socket) => socket.resume());
  const { listener, connections } = await proxyTo([local(server)], { dialTimeoutMs: 30 }, true);
  await using _ = listener;
  const client = await dial(listener);
  assert.equal(await readAll(client), "");
  await until("both sockets to be closed", () => connections.size === 0);
});
