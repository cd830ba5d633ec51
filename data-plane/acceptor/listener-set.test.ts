import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { Logger } from "../../foundation/log.ts";
import type { ListenerResult } from "../worker/worker-protocol.ts";
import { ListenerSet } from "./listener-set.ts";

class Harness implements Disposable {
  readonly accepted: { entryPoint: string; socket: Socket }[] = [];
  readonly removed: string[] = [];
  readonly changed: ListenerResult[] = [];
  readonly warnings: string[] = [];
  readonly listeners: ListenerSet;
  readonly #clients: Socket[] = [];
  #waiter: (() => void) | undefined;

  constructor() {
    const log: Logger = {
      debug() {},
      info() {},
      warn: (message) => void this.warnings.push(message),
      error() {},
    };
    this.listeners = new ListenerSet({
      onConnection: (entryPoint, socket) => {
        this.accepted.push({ entryPoint, socket });
        this.#waiter?.();
      },
      createUdpListener: () => assert.fail("no UDP listener is wished for"),
      onRemoved: (entryPoint) => void this.removed.push(entryPoint),
      onChanged: (result) => {
        this.changed.push(result);
        this.#waiter?.();
      },
      retry: { baseMs: 5, maxMs: 10 },
      log,
    });
  }

  async bind(...wishes: (readonly [entryPoint: string, port: number])[]) {
    const results = await this.listeners.prepare(
      wishes.map(([entryPoint, port]) => ({ entryPoint, host: "127.0.0.1", port })),
    );
    return results;
  }

  async open(port: number): Promise<Socket> {
    const client = connect(port, "127.0.0.1");
    this.#clients.push(client);
    await once(client, "connect");
    return client;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#waiter = resolve));
  }

  [Symbol.dispose](): void {
    this.listeners.stop();
    for (const { socket } of this.accepted) socket.destroy();
    for (const client of this.#clients) client.destroy();
  }
}

function portOf(result: ListenerResult | undefined): number {
  return Number(result?.address?.split(":").at(-1));
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("a connection that comes between binding and switching is held, unread, until activate()", async () => {
  using harness = new Harness();
  const [web] = await harness.bind(["web", 0]);
  const client = await harness.open(portOf(web));
  client.write("hello");
  assert.equal(harness.accepted.length, 0);
  harness.listeners.activate();
  await harness.until(() => harness.accepted.length === 1);
  const { entryPoint, socket } = harness.accepted[0]!;
  assert.equal(entryPoint, "web");
  const [data] = await once(socket.resume(), "data");
  assert.equal(String(data), "hello");
});

test("an unchanged wish keeps its listener, a removed one closes and is reported", async () => {
  using harness = new Harness();
  const [web, api] = await harness.bind(["web", 0], ["api", 0]);
  harness.listeners.activate();
  const [again] = await harness.bind(["web", 0]);
  assert.equal(again?.address, web?.address);
  harness.listeners.activate();
  assert.deepEqual(harness.removed, ["api"]);
  await assert.rejects(harness.open(portOf(api)), { code: "ECONNREFUSED" });
  await harness.open(portOf(web));
});

test("a taken port is one sentence, is retried, and serves once it is free", async () => {
  using harness = new Harness();
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  const [web] = await harness.bind(["web", port]);
  assert.equal(web?.error, `Cannot bind entry point "web" to 127.0.0.1:${port}: port is in use`);
  harness.listeners.activate();
  blocker.close();
  await harness.until(() => harness.changed.some(({ address }) => address !== undefined));
  await harness.open(port);
  await harness.until(() => harness.accepted.length === 1);
});

test("an entry point whose new address is taken keeps its old one", async () => {
  using harness = new Harness();
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const old = await freePort();
  await harness.bind(["web", old]);
  harness.listeners.activate();
  const [moved] = await harness.bind(["web", (blocker.address() as AddressInfo).port]);
  assert.match(moved?.error ?? "", /port is in use/);
  harness.listeners.activate();
  await harness.open(old);
  await harness.until(() => harness.accepted.length === 1);
  blocker.close();
});

test("two entry points that swap ports move by closing first, and the log says so", async () => {
  using harness = new Harness();
  const [a, b] = [await freePort(), await freePort()];
  await harness.bind(["web", a], ["api", b]);
  harness.listeners.activate();
  const results = await harness.bind(["web", b], ["api", a]);
  assert.deepEqual(
    results.map(({ address }) => address),
    [`127.0.0.1:${b}`, `127.0.0.1:${a}`],
  );
  harness.listeners.activate();
  await harness.open(a);
  await harness.until(() => harness.accepted.length === 1);
  assert.equal(harness.accepted[0]?.entryPoint, "api");
  assert.deepEqual(harness.removed, []);
});

test("a renamed entry point keeps the socket: no connection is refused", async () => {
  using harness = new Harness();
  const port = await freePort();
  await harness.bind(["http", port]);
  harness.listeners.activate();
  const [web] = await harness.bind(["web", port]);
  assert.equal(web?.address, `127.0.0.1:${port}`);
  harness.listeners.activate();
  await harness.open(port);
  await harness.until(() => harness.accepted.length === 1);
  assert.equal(harness.accepted[0]?.entryPoint, "web");
  assert.deepEqual(harness.removed, ["http"]);
  assert.deepEqual(harness.warnings, []);
});

test("abandon() closes what was bound for it and leaves what was open", async () => {
  using harness = new Harness();
  const [web] = await harness.bind(["web", 0]);
  harness.listeners.activate();
  const [, api] = await harness.bind(["web", 0], ["api", 0]);
  harness.listeners.abandon();
  await assert.rejects(harness.open(portOf(api)), { code: "ECONNREFUSED" });
  await harness.open(portOf(web));
});
