/** UDP at the sockets of a real worker: who gets a client's datagrams, what arrives there, and when a session ends. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { after, before, beforeEach, describe, test } from "node:test";
import type { UdpCounterReport } from "../../data-plane/worker/worker-protocol.ts";
import {
  keyOf,
  udpEntryPoint,
  udpRouterOf,
  udpServiceOf,
  udpWeightedOf,
} from "../support/data-plane-resources.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { UdpPeer } from "../support/udp-peer.ts";
import { until } from "../support/until.ts";

let worker: TrafficWorkerThread;
let port = 0;
let a: UdpPeer;
let b: UdpPeer;

before(async () => {
  worker = await TrafficWorkerThread.start();
  port = await worker.listenUdp();
  [a, b] = await Promise.all([UdpPeer.named("a"), UdpPeer.named("b")]);
});

beforeEach(async () => {
  assert.deepEqual(await worker.apply([], { full: true }), []);
  // Ends the sessions of the test before.
  for (const entryPoint of ["nobody", "dns"]) {
    worker.tell({ kind: "serveUdp", listener: 1, entryPoint });
  }
});

after(async () => {
  await worker[Symbol.asyncDispose]();
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
});

async function serve(...resources: Parameters<TrafficWorkerThread["apply"]>[0]): Promise<void> {
  const all = [udpServiceOf("app", [a.port]), udpServiceOf("other", [b.port]), ...resources];
  if (!resources.some(({ name }) => name === "dns")) all.push(udpEntryPoint());
  assert.deepEqual(await worker.apply(all, { full: true }), []);
}

async function counters(): Promise<UdpCounterReport> {
  const { udp } = await worker.collectCounters();
  const found = udp.find(({ entryPoint }) => entryPoint === "dns");
  assert.ok(found);
  return found;
}

const openSessions = async () => (await counters()).openSessions;

/** A port nobody listens on. */
async function deadPort(): Promise<number> {
  const peer = await UdpPeer.start();
  const { port: found } = peer;
  await peer[Symbol.asyncDispose]();
  return found;
}

describe("a UDP entry point", () => {
  test("gives all datagrams of a client to one server, and its answers to that client", async () => {
    await serve(udpRouterOf("r", { service: "both" }), udpServiceOf("both", [a.port, b.port]));
    await using one = await UdpPeer.start();
    await using two = await UdpPeer.start();
    const first = await one.ask("1", port);
    const second = await two.ask("1", port);
    assert.notEqual(first, second, "servers take turns, session by session");
    for (const [client, answer] of [
      [one, first],
      [two, second],
    ] as const) {
      for (const text of ["2", "3", "4"]) {
        assert.equal(await client.ask(text, port), answer.replace("1", text));
      }
      assert.ok(
        client.from.every((from) => from.port === port),
        "from where it has asked",
      );
    }
    const server = first.startsWith("a") ? a : b;
    assert.notEqual(server.from.at(-1)?.port, one.port, "over a socket of the session's own");
  });

  test("keeps datagrams apart, whole and as they are, up to the largest", async () => {
    await serve(udpRouterOf("r"));
    await using echo = await UdpPeer.start((datagram) => datagram);
    await worker.apply([udpServiceOf("app", [echo.port])]);
    await using client = await UdpPeer.start();
    const random = new SeededRandom(7);
    const sizes = [0, 1, 0, 1_472, 1_473, 9_000, 65_507, 2, 65_506];
    const sent = sizes.map((size) => {
      return Buffer.from(Array.from({ length: size }, () => random.below(256)));
    });
    for (const datagram of sent) {
      const count = client.heard.length;
      client.send(datagram, port);
      await until(`${datagram.length} bytes back`, () => client.heard.length > count);
    }
    assert.deepEqual(
      echo.heard.map(({ length }) => length),
      sizes,
    );
    assert.deepEqual(client.heard, sent);
  });

  test("holds what comes before a server's socket is open, in order", async () => {
    await serve(udpRouterOf("r"));
    await using client = await UdpPeer.start();
    a.heard.length = 0;
    const burst = Array.from({ length: 40 }, (_, index) => `burst ${index}`);
    for (const text of burst) client.send(text, port);
    await until("all of them", () => a.heard.length === burst.length);
    assert.deepEqual(a.texts, burst);
    assert.equal(new Set(a.from.slice(-40).map((from) => from.port)).size, 1);
  });

  test("ends a session that has been idle, and only that", async () => {
    await serve(udpEntryPoint("dns", { udp: { sessionTimeoutMs: 120 } }), udpRouterOf("r"));
    await using idle = await UdpPeer.start();
    await using busy = await UdpPeer.start();
    await idle.ask("x", port);
    const { sessions } = await counters();
    await busy.ask("x", port);
    assert.equal(await openSessions(), 2);
    const busyPort = a.from.at(-1)?.port;
    await until("the idle one to end", async () => {
      await busy.ask("still here", port);
      return (await openSessions()) === 1;
    });
    assert.equal(a.from.at(-1)?.port, busyPort);
    await until("the other to end", async () => (await openSessions()) === 0);
    await busy.ask("back", port);
    assert.notEqual(a.from.at(-1)?.port, busyPort, "a new session");
    assert.equal((await counters()).sessions, sessions + 2);
  });

  test("measures sessions by a timeout that has become shorter", async () => {
    await serve(udpEntryPoint("dns", { udp: { sessionTimeoutMs: 600_000 } }), udpRouterOf("r"));
    await using client = await UdpPeer.start();
    await client.ask("x", port);
    await worker.apply([udpEntryPoint("dns", { udp: { sessionTimeoutMs: 30 } })]);
    await until("the session to end", async () => (await openSessions()) === 0);
  });

  test("turns to another server when one is not there, and to it when it is back", async () => {
    const dead = await deadPort();
    await serve(udpRouterOf("r", { service: "half" }), udpServiceOf("half", [dead, a.port]));
    for (let round = 0; round < 4; round += 1) {
      await using client = await UdpPeer.start();
      await until("an answer", () => {
        client.send("x", port);
        return client.heard.length > 0;
      });
      assert.equal(client.texts[0], "a:x");
    }
    assert.ok((await counters()).sentDatagrams >= 4);
  });

  test("looks up a server's name", async () => {
    await serve(
      udpRouterOf("r", { service: "named" }),
      udpServiceOf("named", [{ host: "localhost", port: a.port }]),
    );
    await using client = await UdpPeer.start();
    // It may stand for ::1, where nobody listens.
    await using alike = await UdpPeer.start((datagram) => `a:${datagram}`, "::1").catch(() => a);
    if (alike !== a)
      await worker.apply([udpServiceOf("named", [{ host: "127.0.0.1", port: a.port }])]);
    assert.equal(await client.ask("x", port), "a:x");
    await worker.apply([udpServiceOf("named", [{ host: "no-such-name.invalid", port: 9 }])]);
    client.send("lost", port);
    await until("the session to fail", async () => (await openSessions()) === 0);
    assert.ok(worker.log.some(({ message }) => message === "UDP session failed"));
  });

  test("takes both families, and servers of either", { skip: !hasIpv6() }, async () => {
    await using six = await UdpPeer.named("six", "::1");
    const any = await worker.listenUdp("any", "");
    await serve(
      udpEntryPoint("any"),
      udpRouterOf("r", { entryPoints: ["any"], service: "both" }),
      udpServiceOf("both", [a.port, { host: "::1", port: six.port }]),
    );
    const answers = new Set<string>();
    for (const address of ["127.0.0.1", "::1", "127.0.0.1", "::1"]) {
      await using client = await UdpPeer.start(undefined, address);
      answers.add(`${address} ${await client.ask("x", any, address)}`);
      assert.equal(client.from.at(-1)?.address, address);
    }
    assert.equal(answers.size >= 2, true, [...answers].join());
    assert.deepEqual(
      new Set([...answers].map((text) => text.split(" ")[1])),
      new Set(["a:x", "six:x"]),
    );
  });
});

describe("a changed UDP configuration", () => {
  test("leaves sessions with their server, as long as it is one", async () => {
    await serve(udpRouterOf("r"));
    await using early = await UdpPeer.start();
    assert.equal(await early.ask("1", port), "a:1");
    const own = a.from.at(-1)?.port;
    await worker.apply([udpServiceOf("app", [b.port, a.port])]);
    assert.equal(await early.ask("2", port), "a:2");
    assert.equal(a.from.at(-1)?.port, own, "the same session");
    await worker.apply([udpServiceOf("app", [b.port])]);
    assert.equal(await early.ask("3", port), "b:3", "its server is gone");
    await worker.apply([udpRouterOf("r", { service: "other" }), udpServiceOf("app", [])]);
    const kept = b.from.at(-1)?.port;
    assert.equal(await early.ask("4", port), "b:4");
    assert.equal(b.from.at(-1)?.port, kept, "the server is one of the other service, too");
    await serve(udpRouterOf("r", { service: "other" }));
    assert.equal(await early.ask("5", port), "b:5");
    assert.equal(b.from.at(-1)?.port, kept, "a full transfer changes nothing by itself");
  });

  test("drops what a server says that is none any more", async () => {
    await using silent = await UdpPeer.start();
    await serve(udpRouterOf("r"), udpServiceOf("app", [silent.port]));
    await using client = await UdpPeer.start();
    client.send("x", port);
    await until("it to arrive", () => silent.heard.length === 1);
    await worker.apply([udpServiceOf("app", [b.port])]);
    silent.send("too late", silent.from[0]!.port);
    await until("the session to end", async () => (await openSessions()) === 0);
    assert.equal(await client.ask("y", port), "b:y");
    assert.deepEqual(client.texts, ["b:y"]);
  });

  test("serves the last router by name, and the one before when that goes", async () => {
    await serve(udpRouterOf("z", { service: "other" }), udpRouterOf("m"));
    await using client = await UdpPeer.start();
    assert.equal(await client.ask("1", port), "b:1");
    await worker.apply([udpRouterOf("zz")]);
    assert.equal(await client.ask("2", port), "a:2");
    await worker.apply([], { removals: [keyOf(udpRouterOf("zz")), keyOf(udpRouterOf("m"))] });
    assert.equal(await client.ask("3", port), "b:3");
    await worker.apply([], { removals: [keyOf(udpRouterOf("z"))] });
    const { droppedDatagrams } = await counters();
    client.send("nobody", port);
    await until("it to be dropped", async () => {
      return (await counters()).droppedDatagrams === droppedDatagrams + 1;
    });
    await worker.apply([udpRouterOf("new")]);
    assert.equal(await client.ask("4", port), "a:4");
  });

  test("shares sessions out by weight, services behind services", async () => {
    await serve(
      udpRouterOf("r", { service: "top" }),
      udpWeightedOf("top", { nested: 3, other: 1, never: 0 }),
      udpWeightedOf("nested", { app: 1 }),
      udpServiceOf("never", [await deadPort()]),
    );
    const counts = { a: 0, b: 0 };
    for (let client = 0; client < 16; client += 1) {
      await using peer = await UdpPeer.start();
      counts[(await peer.ask("x", port)).startsWith("a") ? "a" : "b"] += 1;
    }
    assert.deepEqual(counts, { a: 12, b: 4 });
    // The control plane refuses it; an old version and a new one could meet here.
    await worker.apply([udpWeightedOf("nested", { top: 1 })]);
    await using client = await UdpPeer.start();
    await until("the service that is left", () => {
      client.send("x", port);
      return client.heard.length > 0;
    });
    assert.equal(client.texts[0], "b:x");
  });

  test("gives the socket to an entry point of another name, without its sessions", async () => {
    await serve(
      udpEntryPoint("next"),
      udpRouterOf("r"),
      udpRouterOf("n", { entryPoints: ["next"], service: "other" }),
    );
    await using client = await UdpPeer.start();
    assert.equal(await client.ask("1", port), "a:1");
    worker.tell({ kind: "serveUdp", listener: 1, entryPoint: "next" });
    assert.equal(await client.ask("2", port), "b:2");
    worker.tell({ kind: "serveUdp", listener: 1, entryPoint: "dns" });
    assert.equal(await client.ask("3", port), "a:3");
  });
});

describe("a UDP socket of a worker", () => {
  test("says why it cannot be bound", async () => {
    await using taken = await UdpPeer.start();
    const opened = new Promise((resolve) => worker.thread.once("message", resolve));
    const place = { host: "127.0.0.1", port: taken.port, isShared: false };
    worker.tell({ kind: "openUdp", listener: 99, ...place });
    const { error } = (await opened) as { error?: { code?: string } };
    assert.equal(error?.code, "EADDRINUSE");
  });

  test("is free once it is closed, and its sessions are gone", async () => {
    await serve(udpEntryPoint("short"), udpRouterOf("r", { entryPoints: ["short"] }));
    const short = await worker.listenUdp("short");
    await using client = await UdpPeer.start();
    await client.ask("x", short);
    const closed = worker.answer("udpClosed");
    worker.tell({ kind: "closeUdp", listener: worker.lastUdpListener });
    await closed;
    const again = createSocket("udp4");
    await new Promise<void>((resolve) => again.bind(short, "127.0.0.1", resolve));
    again.close();
    const { udp } = await worker.collectCounters();
    assert.equal(udp.find(({ entryPoint }) => entryPoint === "short")?.openSessions, 0);
  });

  test("drains: sessions go on until they are idle, new clients get nothing", async () => {
    await using draining = await TrafficWorkerThread.start();
    const place = await draining.listenUdp();
    const idleMs = { udp: { sessionTimeoutMs: 150 }, graceTimeoutMs: 60_000 };
    await draining.apply([
      udpEntryPoint("dns", idleMs),
      udpRouterOf("r"),
      udpServiceOf("app", [a.port]),
    ]);
    await using known = await UdpPeer.start();
    await using late = await UdpPeer.start();
    await known.ask("1", place);
    const drained = draining.answer("drained");
    draining.tell({ kind: "endUdp", listener: 1 });
    late.send("hello", place);
    assert.equal(await known.ask("2", place), "a:2");
    draining.tell({ kind: "drain" });
    assert.equal(await known.ask("3", place), "a:3");
    await drained;
    assert.deepEqual(late.heard, []);
    const [dns] = (await draining.collectCounters()).udp;
    assert.deepEqual([dns?.openSessions, dns?.sessions, dns?.droppedDatagrams], [0, 1, 1]);
  });

  test("drains no longer than the grace of its entry point", async () => {
    await using draining = await TrafficWorkerThread.start();
    const place = await draining.listenUdp();
    await draining.apply([
      udpEntryPoint("dns", { udp: { sessionTimeoutMs: 600_000 }, graceTimeoutMs: 50 }),
      udpRouterOf("r"),
      udpServiceOf("app", [a.port]),
    ]);
    await using client = await UdpPeer.start();
    await client.ask("1", place);
    const drained = draining.answer("drained");
    draining.tell({ kind: "drain" });
    await drained;
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === "::1");
}
