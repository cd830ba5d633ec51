import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { MessagePort } from "node:worker_threads";
import { silentLog } from "../../test/support/silent-log.ts";
import { until } from "../../test/support/until.ts";
import { WorkerSet } from "./worker-set.ts";

/** A listener that hands what it accepts to the workers, which serve as soon as they have started. */
async function setUp({ count, servesAtOnce = true }: { count: number; servesAtOnce?: boolean }) {
  const started: number[] = [];
  const stopped: number[] = [];
  const loaded: number[] = [];
  const ports: MessagePort[] = [];
  const clients: Socket[] = [];
  const workers = new WorkerSet({
    count,
    program: new URL("../../test/support/crashing-worker.ts", import.meta.url),
    logLevel: "error",
    onStarted: (worker, port) => {
      started.push(worker);
      ports.push(port);
      port.once("message", () => {
        loaded.push(worker);
        if (servesAtOnce) workers.serving(worker);
      });
    },
    onStopped: (worker) => void stopped.push(worker),
    restart: { baseMs: 1, maxMs: 1 },
    log: silentLog,
  });
  workers.start();
  const server = createServer({ pauseOnConnect: true }, (socket) =>
    workers.handOver("web", socket),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  await until("every worker to have loaded", () => loaded.length === count);
  return {
    workers,
    started,
    stopped,
    loaded,
    async open(): Promise<Socket> {
      const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
      client.on("error", () => {}); // a dying worker resets it, which "close" tells
      clients.push(client);
      await once(client, "connect");
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
      await workers.stop();
      for (const port of ports) port.close();
    },
  };
}

async function ask(client: Socket, text: string): Promise<string> {
  client.write(text);
  const [answer] = await once(client, "data");
  return String(answer);
}

test("connections are spread over the workers and served there", async () => {
  await using at = await setUp({ count: 2 });
  const answers = [];
  for (let index = 0; index < 4; index += 1) answers.push(await ask(await at.open(), "hello"));
  assert.deepEqual(
    answers.map((answer) => answer.slice(1)),
    [":hello", ":hello", ":hello", ":hello"],
  );
  for (const worker of ["0", "1"]) {
    assert.equal(answers.filter((answer) => answer.startsWith(worker)).length, 2);
  }
});

test("a worker that dies costs its own connections and is started again", async () => {
  await using at = await setUp({ count: 2 });
  const [victim, bystander] = [await at.open(), await at.open()];
  const [dead] = (await ask(victim, "a")).split(":");
  const alive = await ask(bystander, "b");
  victim.write("die");
  await once(victim, "close");
  await until("the restart", () => at.stopped.length === 1 && at.loaded.length === 3);
  assert.deepEqual([at.stopped, at.started.at(-1)], [[Number(dead)], Number(dead)]);
  assert.equal(await ask(bystander, "b"), alive);
  assert.match(await ask(await at.open(), "again"), /:again$/);
});

test("sockets wait for the first worker that serves", async () => {
  await using at = await setUp({ count: 1, servesAtOnce: false });
  const client = await at.open();
  const answer = ask(client, "early");
  at.workers.serving(0);
  assert.equal(await answer, "0:early");
});

test("drain() resolves when every worker has said so, and no worker comes back", async () => {
  await using at = await setUp({ count: 2 });
  await at.workers.drain();
  await at.workers.stop();
  assert.deepEqual(at.started.length, 2);
});
