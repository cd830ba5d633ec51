import assert from "node:assert/strict";
import { test } from "node:test";
import { EntryPoint } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { UdpPeer } from "../../test/support/udp-peer.ts";
import { until } from "../../test/support/until.ts";
import { EntryPointTables } from "../builder/live-state.ts";
import { UdpCounters } from "../metrics/udp-counters.ts";
import { Cell } from "../switcher/cell.ts";
import { TlsMaterial } from "../tls/tls-material.ts";
import { type UdpEntryPoint, UdpListener } from "./udp-listener.ts";
import { UdpServer } from "./udp-server.ts";
import { UdpLoadBalancer } from "./udp-service.ts";

function entryPointTo(port: number): UdpEntryPoint {
  const tables = new EntryPointTables("dns");
  const servers = [new UdpServer({ host: "127.0.0.1", port })];
  const service = new Cell("s", new UdpLoadBalancer({ fingerprint: "", servers }));
  const router = { name: "r", fingerprint: "", entryPoints: ["dns"], service: "s" };
  tables.udp.add({ plan: router, service });
  const settings = EntryPoint.create({ udp: { sessionTimeoutMs: 60_000 } });
  const served = {
    plan: { name: "dns", fingerprint: "", settings },
    tables,
    tls: new TlsMaterial(),
  };
  return { name: "dns", counters: new UdpCounters(), served, epoch: 1 };
}

test("the session that has been idle for longest makes room for a new one", async () => {
  await using backend = await UdpPeer.named("a");
  const entryPoint = entryPointTo(backend.port);
  const { counters } = entryPoint;
  const listener = new UdpListener({ log: silentLog, maxSessions: 2 });
  const port = await freePort();
  await listener.open({ host: "127.0.0.1", port, isShared: false });
  listener.serve(entryPoint);
  await using one = await UdpPeer.start();
  await using two = await UdpPeer.start();
  await using three = await UdpPeer.start();
  await one.ask("1", port);
  await two.ask("1", port);
  await one.ask("2", port);
  await three.ask("1", port);
  assert.deepEqual([listener.sessionCount, counters.sessions, counters.evictedSessions], [2, 3, 1]);
  await one.ask("3", port);
  assert.equal(counters.sessions, 3, "who was busy is still there");
  await two.ask("2", port);
  assert.deepEqual([counters.sessions, counters.evictedSessions, counters.openSessions], [4, 2, 2]);
  await listener.close();
  assert.equal(counters.openSessions, 0);
  await listener.close();
});

test("what comes before anything serves is held, within bounds, and served then", async () => {
  await using backend = await UdpPeer.named("a");
  const entryPoint = entryPointTo(backend.port);
  const listener = new UdpListener({ log: silentLog });
  const port = await freePort();
  await listener.open({ host: "127.0.0.1", port, isShared: false });
  await using client = await UdpPeer.start();
  client.send("early", port);
  await until("it to be held", () => listener.heldCount === 1);
  assert.equal(listener.sessionCount, 0);
  listener.serve(entryPoint);
  await until("the answer", () => client.heard.length === 1);
  assert.deepEqual(client.texts, ["a:early"]);
  await listener.close();
});

async function freePort(): Promise<number> {
  const peer = await UdpPeer.start();
  const { port } = peer;
  await peer[Symbol.asyncDispose]();
  return port;
}
