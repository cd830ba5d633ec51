import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "../../foundation/log.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { UdpPeer } from "../../test/support/udp-peer.ts";
import type { UdpFromMain, UdpToMain } from "../worker/worker-protocol.ts";
import { EntryPointBindError } from "./entry-point-listener.ts";
import { UdpListeners } from "./udp-listeners.ts";

type OpenAnswer = Extract<UdpToMain, { kind: "udpOpened" }>["error"];

/** Workers without sockets: they answer what a test tells them to, and keep what they are told. */
class Workers {
  running: readonly number[];
  readonly told: string[] = [];
  /** Undefined: it is bound. */
  open: (worker: number, isShared: boolean) => OpenAnswer = () => undefined;
  readonly errors: string[] = [];
  readonly listeners: UdpListeners;

  constructor(running: readonly number[], canShare = true) {
    this.running = running;
    const log: Logger = { ...silentLog, error: (message) => void this.errors.push(message) };
    this.listeners = new UdpListeners({ workers: this, canShare, log });
  }

  post(worker: number, message: UdpFromMain): void {
    const { listener } = message;
    if (message.kind === "openUdp") {
      const { isShared } = message;
      this.told.push(`${worker} open${isShared ? " shared" : ""}`);
      const error = this.open(worker, isShared);
      queueMicrotask(() => {
        this.listeners.answered(worker, {
          kind: "udpOpened",
          listener,
          ...(error !== undefined && { error }),
        });
      });
    } else if (message.kind === "serveUdp") {
      this.told.push(`${worker} serve ${message.entryPoint}`);
    } else {
      this.told.push(`${worker} ${message.kind === "closeUdp" ? "close" : "end"}`);
      if (message.kind === "endUdp") return;
      queueMicrotask(() => this.listeners.answered(worker, { kind: "udpClosed", listener }));
    }
  }

  take(): readonly string[] {
    return this.told.splice(0);
  }
}

const dns = { entryPoint: "dns", host: "127.0.0.1", port: 0 };

test("a UDP entry point is opened in every worker, and in those that come later", async () => {
  const workers = new Workers([0, 1]);
  const listener = workers.listeners.create(dns);
  await listener.bind();
  assert.match(listener.address, /^127\.0\.0\.1:\d+\/udp$/);
  assert.deepEqual(workers.take(), ["0 open shared", "1 open shared"]);
  listener.activate();
  assert.deepEqual(workers.take(), ["0 serve dns", "1 serve dns"]);
  workers.listeners.workerServing(1);
  workers.running = [1];
  workers.listeners.workerStopped(0);
  assert.deepEqual(workers.take(), []);
  workers.listeners.workerServing(0);
  assert.deepEqual(workers.take(), ["0 open shared", "0 serve dns"]);
  listener.rename("dns");
  listener.rename("names");
  assert.deepEqual(workers.take(), ["1 serve names", "0 serve names"]);
  listener.endAccepting();
  await Promise.all([listener.close(), listener.close()]);
  assert.deepEqual(workers.take(), ["1 end", "0 end", "1 close", "0 close"]);
  workers.listeners.workerServing(2);
  assert.deepEqual(workers.take(), [], "it is closed");
});

test("one worker has all clients where the system cannot share them out, and another after it", async () => {
  for (const canShare of [true, false]) {
    const workers = new Workers([3, 4], canShare);
    workers.open = (_worker, isShared) =>
      isShared ? { code: "ENOTSUP", message: "not supported" } : undefined;
    const listener = workers.listeners.create(dns);
    await listener.bind();
    listener.activate();
    const tried = canShare ? ["3 open shared", "4 open shared"] : [];
    assert.deepEqual(workers.take(), [...tried, "3 open", "3 serve dns"]);
    workers.listeners.workerServing(4);
    assert.deepEqual(workers.take(), []);
    workers.running = [4];
    workers.listeners.workerStopped(3);
    assert.deepEqual(workers.take(), ["4 open", "4 serve dns"]);
    workers.running = [];
    workers.listeners.workerStopped(4);
    workers.listeners.workerServing(5);
    assert.deepEqual(workers.take(), ["5 open", "5 serve dns"]);
    await listener.close();
  }
});

test("a UDP address is refused that another program has, also when that shares it", async () => {
  await using taken = await UdpPeer.start();
  const workers = new Workers([0, 1]);
  const { port } = taken;
  const listener = workers.listeners.create({ ...dns, port });
  await assert.rejects(listener.bind(), (error) => {
    assert.ok(error instanceof EntryPointBindError);
    assert.equal(error.code, "EADDRINUSE");
    const place = `127.0.0.1:${port}/udp`;
    assert.equal(error.message, `Cannot bind entry point "dns" to ${place}: port is in use`);
    return true;
  });
  assert.deepEqual(workers.take(), [], "no worker has been asked");
  await listener.close();
});

test("what one worker cannot open another may; when none can it is refused", async () => {
  const workers = new Workers([0, 1]);
  const refused = { code: "EMFILE", message: "too many open files" };
  workers.open = (worker) => (worker === 0 ? refused : undefined);
  const listener = workers.listeners.create(dns);
  await listener.bind();
  workers.open = () => refused;
  const other = workers.listeners.create(dns);
  await assert.rejects(other.bind(), { message: /: too many open files$/ });
  workers.listeners.workerServing(0);
  await Promise.resolve();
  assert.deepEqual(workers.errors, ["worker cannot bind UDP entry point"]);
  await Promise.all([listener.close(), other.close()]);
});

test("without a worker it is bound all the same, and opened in the first that serves", async () => {
  const workers = new Workers([]);
  const listener = workers.listeners.create(dns);
  await listener.bind();
  listener.activate();
  workers.listeners.workerServing(0);
  assert.deepEqual(workers.take(), ["0 open shared", "0 serve dns"]);
  await listener.close();
});
