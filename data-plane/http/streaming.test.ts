/** Bodies in both directions at once, on many connections at once: nothing is lost, mixed up or kept too long. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { OriginRecorder } from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { until } from "../../test/support/until.ts";

const kibibyte = 1_024;

/** Sends every request's body back, as it comes. */
async function echoOrigin() {
  const server = createServer((incoming, outgoing) => {
    const { "content-length": length } = incoming.headers;
    if (length !== undefined) outgoing.setHeader("Content-Length", length);
    incoming.pipe(outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const digestOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function sendAndDigest(port: number, agent: Agent, body: Buffer, isChunked: boolean) {
  const headers = isChunked ? {} : { "Content-Length": body.length };
  const outgoing = request({ port, host: "127.0.0.1", method: "POST", agent, headers });
  const response = once(outgoing, "response") as Promise<[IncomingMessage]>;
  const pieces: Buffer[] = [];
  for (let start = 0; start < body.length; start += 10_007) {
    pieces.push(body.subarray(start, start + 10_007));
  }
  const sent = pipeline(Readable.from(pieces), outgoing);
  const [incoming] = await response;
  const received: Buffer[] = [];
  for await (const bytes of incoming) received.push(bytes as Buffer);
  await sent;
  return digestOf(Buffer.concat(received));
}

test("bodies of many connections at once come back as they went", async () => {
  await using origin = await echoOrigin();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  const agent = new Agent({ keepAlive: true });
  const random = new SeededRandom(7);
  const bodies = Array.from({ length: 24 }, (_, index) =>
    Buffer.alloc(1 + random.below(400 * kibibyte), `${index}:${random.below(1_000_000)};`),
  );
  try {
    const digests = await Promise.all(
      bodies.map((body, index) => sendAndDigest(engine.port, agent, body, index % 2 === 0)),
    );
    assert.deepEqual(digests, bodies.map(digestOf));
  } finally {
    agent.destroy();
  }
});

test("bytes left for later are not overwritten by what others read meanwhile", async () => {
  await using origin = await OriginRecorder.start(() => undefined);
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using first = await RawClient.connect(engine.port);
  using second = await RawClient.connect(engine.port);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  // The second request and a part of the third wait until the first is answered.
  first.send(get("/1") + get("/2") + get("/3").slice(0, 20));
  await until("the first request", () => origin.received.includes("GET /1 "));
  second.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n${"x".repeat(60_000)}`);
  await until("the other's body", () => origin.received.length > 60_000);
  origin.answerWith(() => "HTTP/1.1 204 No Content\r\n\r\n");
  origin.connections[0]?.socket.write("HTTP/1.1 204 No Content\r\n\r\n");
  await until("the second request", () => origin.received.includes("GET /2 "));
  first.send(get("/3").slice(20));
  await until("the third request", () => origin.received.includes("GET /3 "));
});

test("a client that goes away while it sends takes the upstream with it", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  for (const leave of ["resetAndDestroy", "destroy"] as const) {
    using client = await RawClient.connect(engine.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    await until("the part of the body", () =>
      /abc$/.test(origin.connections.at(-1)?.received ?? ""),
    );
    client.socket[leave]();
    await until("the upstream's end", () => origin.connections.at(-1)?.socket.destroyed);
  }
  await until("both counts", () => engine.counted.includes("POST 499 2"));
});

test("a client that goes away while it is answered takes the upstream with it", async () => {
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(5_000)}`;
  await using origin = await OriginRecorder.start(() => answer);
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.hears("xxx");
  client.socket.resetAndDestroy();
  await until("the upstream's end", () => origin.connections[0]?.socket.destroyed);
  await until("the count", () => engine.counted.includes("GET 200 1"));
});

test("what an upstream sends in parts reaches the client in parts", async () => {
  await using origin = await OriginRecorder.start(
    () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
  );
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.hears("one");
  origin.connections[0]?.socket.write("3\r\ntwo\r\n");
  await client.hears("two");
  origin.connections[0]?.socket.write("0\r\n\r\n");
  await client.hears(/0\r\n\r\n$/);
  await until("the connection to be idle", () => engine.upstream.idleConnections === 1);
});

const mebibyte = 1_024 * kibibyte;
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const patternOf = (name: string, bytes: number) =>
  name.repeat(Math.ceil(bytes / name.length)).slice(0, bytes);

/** Resolves once nothing has moved for a while though something waits. */
async function standstill(waitingBytes: () => number): Promise<void> {
  let before = -1;
  let sinceMs = performance.now();
  await until("the flow to stand still", () => {
    const now = waitingBytes();
    if (now !== before) sinceMs = performance.now();
    before = now;
    return now > 0 && performance.now() - sinceMs > 60;
  });
}

test("what waits for slow readers is what was sent to them", async () => {
  const size = 24 * mebibyte; // more than the kernel holds for a pair of sockets
  await using origin = await OriginRecorder.start((request) => {
    const name = /GET \/(\w+)/.exec(request)?.[1] ?? "";
    return `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${patternOf(name, size)}`;
  });
  await using engine = await HttpEngine.start({ originPort: origin.port });
  const names = ["abc", "defgh"];
  const clients = await Promise.all(names.map(() => RawClient.connect(engine.port)));
  for (const [index, client] of clients.entries()) {
    client.socket.pause();
    client.send(`GET /${names[index]} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  }
  await until("all answers", () => origin.connections.length === names.length);
  await standstill(() => sum(origin.connections.map(({ socket }) => socket.writableLength)));
  for (const client of clients) client.socket.resume();
  for (const [index, client] of clients.entries()) {
    const heard = await client.hearsEnd();
    const body = heard.slice(heard.indexOf("\r\n\r\n") + 4);
    assert.ok(body === patternOf(names[index] ?? "", size), `${names[index]} came as it was sent`);
  }
});

test("what waits for slow upstreams is what clients sent", async () => {
  const size = 24 * mebibyte; // more than the kernel holds for a pair of sockets
  const bodies: string[] = [];
  const server = createServer((incoming, outgoing) => {
    incoming.pause();
    held.push(() => {
      let body = "";
      incoming.setEncoding("latin1");
      incoming.on("data", (text: string) => {
        body += text;
      });
      incoming.on("end", () => {
        bodies.push(body);
        outgoing.end();
      });
      incoming.resume();
    });
  });
  const held: (() => void)[] = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await using engine = await HttpEngine.start({
      originPort: (server.address() as AddressInfo).port,
    });
    const names = ["abc", "defgh"];
    const clients = await Promise.all(names.map(() => RawClient.connect(engine.port)));
    for (const [index, client] of clients.entries()) {
      const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;
      client.send(head + patternOf(names[index] ?? "", size));
    }
    await until("all requests", () => held.length === names.length);
    await standstill(() => sum(clients.map(({ socket }) => socket.writableLength)));
    for (const read of held) read();
    for (const client of clients) assert.match(await client.hearsEnd(), /200 OK/);
    const expected = new Set(names.map((name) => patternOf(name, size)));
    assert.ok(
      bodies.every((body) => expected.delete(body)),
      "each body came as it was sent",
    );
    assert.equal(expected.size, 0);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
