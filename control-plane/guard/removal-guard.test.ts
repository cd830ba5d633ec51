import assert from "node:assert/strict";
import { test } from "node:test";
import { type Resource, resourceId } from "../../config-model/snapshot/resource.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { resourceOf, routerResource } from "../../test/support/resources.ts";
import { until } from "../../test/support/until.ts";
import { GenerationPublisher } from "../snapshot-store/generation-publisher.ts";
import { RemovalGuard } from "./removal-guard.ts";
import { decodeHold, holdNote } from "./removal-hold.ts";

const names = (count: number, prefix = "r", provider = "etcd") =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}@${provider}`);
const routers = (count: number, prefix?: string, provider?: string) =>
  names(count, prefix, provider).map((name) => routerResource(name));

/** A control plane's publisher behind the guard, over `store`; `requires` names what a router needs by its name. */
async function guarded(
  store: MemorySnapshotStore,
  requires: Record<string, string[]> = {},
  ...unread: readonly string[]
) {
  const at = { nowMs: 0, unread: new Set(unread) };
  const log = new RecordingLog();
  const guard = new RemovalGuard({
    percent: 30,
    requires: ({ name }) => requires[name] ?? [],
    isRead: (provider) => !at.unread.has(provider),
    writeNote: (change) => store.writeNote({ ...change, asLeader: true }),
    log,
    now: () => at.nowMs,
  });
  const publisher = new GenerationPublisher({
    store,
    log,
    guard,
    onNote: ({ name, text }) => guard.onNote(name, text),
  });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  const served = () => new Set(publisher.committed.full().upserts.map(({ name }) => name));
  const publish = async (upserts: readonly Resource[], removals: readonly Resource[] = []) => {
    publisher.publish({ upserts, removals });
    await until("all that may be is committed", () => publisher.isSettled);
  };
  const notes = () => [...store.notes.values()].map((text) => decodeHold(text));
  const decide = async (state: "confirmed" | "dismissed") => {
    const [id = ""] = guard.holds().map(({ id }) => id);
    await until("the note", () => store.notes.has(holdNote(id)));
    const from = store.notes.get(holdNote(id));
    const to = JSON.stringify({ ...JSON.parse(from ?? ""), state });
    await store.writeNote({ name: holdNote(id), from, to, asLeader: false });
    await until("all that may be is committed", () => publisher.isSettled);
  };
  return { at, log, guard, publisher, served, publish, notes, decide };
}

const seeded = (...resources: Resource[]) =>
  new MemorySnapshotStore("fleet-a", { upserts: resources, removals: [] });

test("RemovalGuard lets through what is few, or a small part", async () => {
  const few = await guarded(seeded(...routers(40)));
  await few.publish([], routers(19));
  assert.equal(few.served().size, 21);
  const small = await guarded(seeded(...routers(100)));
  await small.publish([], routers(30));
  assert.equal(small.served().size, 70);
  assert.deepEqual([...few.guard.holds(), ...small.guard.holds()], []);
});

test("RemovalGuard holds a mass removal: what it would remove stays, additions and updates go on", async () => {
  const store = seeded(...routers(50));
  const { served, publish, guard, log, notes, publisher } = await guarded(store);
  await publish([routerResource("new@etcd"), routerResource("r49@etcd", 2)], routers(20));
  assert.equal(served().size, 51);
  const changed = publisher.committed.get(resourceId(routerResource("r49@etcd")));
  assert.deepEqual(changed?.hash, routerResource("r49@etcd", 2).hash);
  const [hold] = guard.holds();
  assert.deepEqual(
    [hold?.provider, hold?.state, hold?.routers, hold?.ofRouters, hold?.objects],
    ["etcd", "open", 20, 50, 20],
  );
  assert.ok(log.lines.some(({ level, message }) => level === "error" && /held/.test(message)));
  await until("the hold in the store", () => notes().length === 1);
  assert.deepEqual(notes()[0], guard.holds()[0]);
  await publish([], [routerResource("r30@etcd")]);
  assert.ok(served().has("r30@etcd"), "what else the provider removes waits too");
  await publish([], [routerResource("new@file")]);
});

test("RemovalGuard adds up what goes within a minute, and counts what came back as not gone", async () => {
  const slow = await guarded(seeded(...routers(100)));
  for (const router of routers(30)) await slow.publish([], [router]);
  assert.equal(slow.served().size, 70);
  await slow.publish([], routers(31));
  assert.equal(slow.served().size, 70, "the 31st of a hundred waits");
  const patient = await guarded(seeded(...routers(100)));
  await patient.publish([], routers(30));
  patient.at.nowMs = 60_001;
  await patient.publish([], routers(51).slice(30));
  assert.equal(patient.served().size, 49);
  const back = await guarded(seeded(...routers(100)));
  await back.publish([], routers(30));
  await back.publish(routers(30));
  await back.publish([], routers(60).slice(30));
  assert.equal(back.served().size, 70);
});

test("RemovalGuard judges each provider, and routers and services, by themselves", async () => {
  const services = names(20, "s").map((name) =>
    resourceOf(ResourceKind.HTTP_SERVICE, name, Buffer.from(name)),
  );
  const { served, publish, guard } = await guarded(
    seeded(...routers(200), ...routers(100, "f", "file"), ...services),
  );
  await publish([], [...routers(50), ...routers(25, "f", "file")]);
  assert.equal(served().size, 245);
  await publish([], services);
  assert.equal(served().size, 245, "all services of a provider are many, though few objects");
  assert.equal(guard.holds()[0]?.services, 20);
});

test("RemovalGuard keeps what other providers' objects lose by the same change, and only that", async () => {
  const needy = routerResource("needy@file");
  const above = routerResource("above@file");
  const free = routerResource("free@file");
  const { served, publish, decide } = await guarded(seeded(...routers(30), needy, above, free), {
    [needy.name]: [resourceId(routerResource("r7@etcd"))],
    [above.name]: [resourceId(needy)],
  });
  await publish([], [above, free, needy, ...routers(30)]);
  const ofFile = new Set([...served()].filter((name) => name.endsWith("@file")));
  assert.deepEqual(ofFile, new Set(["above@file", "needy@file"]));
  await decide("confirmed");
  assert.equal(served().size, 0);
});

test("RemovalGuard: confirmed removals go, once, and are no part of the next mass removal", async () => {
  const store = seeded(...routers(100));
  const { served, publish, decide, guard } = await guarded(store);
  await publish([], routers(60));
  await decide("confirmed");
  assert.equal(served().size, 40);
  await until("no note", () => store.notes.size === 0);
  assert.deepEqual(guard.holds(), []);
  await publish([], routers(71).slice(60));
  assert.equal(served().size, 29);
  await publish([], routers(100));
  assert.equal(served().size, 29, "another mass removal is held anew");
});

test("RemovalGuard: what was dismissed stays until its source names it, and what else goes is judged anew", async () => {
  const store = seeded(...routers(100));
  const { served, publish, decide, guard } = await guarded(store);
  await publish([], routers(60));
  await decide("dismissed");
  assert.equal(guard.holds()[0]?.state, "dismissed");
  await publish([], [routerResource("r99@etcd")]);
  assert.equal(served().size, 99);
  await publish(routers(60));
  await until("no note", () => store.notes.size === 0);
  await publish([], [routerResource("r5@etcd")]);
  assert.equal(served().size, 98);
});

test("RemovalGuard: a hold ends by itself when the source has everything back", async () => {
  const store = seeded(...routers(50));
  const { served, publish, guard } = await guarded(store);
  await publish([], routers(50));
  await publish(routers(49));
  assert.equal(guard.holds()[0]?.objects, 1);
  await publish([routerResource("r49@etcd", 3)]);
  assert.deepEqual(guard.holds(), []);
  await until("no note", () => store.notes.size === 0);
  assert.equal(served().size, 50);
});

test("RemovalGuard of a control plane that takes over or starts anew keeps holding", async () => {
  const store = seeded(...routers(50));
  const first = await guarded(store);
  await first.publish([], routers(50));
  await until("the note", () => store.notes.size === 1);
  await first.publisher.stop();
  const second = await guarded(store, {}, "etcd");
  await second.publish([]);
  assert.equal(second.guard.holds().length, 1, "nothing is known of the source yet");
  for (const router of routers(50)) await second.publish([], [router]);
  second.at.unread.clear();
  await second.publish([]);
  assert.equal(second.served().size, 50);
  await second.decide("dismissed");
  await until("what is kept in the note", () => second.notes()[0]?.kept?.length === 50);
  await second.publisher.stop();
  const third = await guarded(store, {}, "etcd");
  await third.publish(routers(10), routers(50).slice(10));
  third.at.unread.clear();
  await third.publish([]);
  assert.equal(third.served().size, 50);
  assert.equal(third.guard.holds()[0]?.kept?.length, 40);
});

test("RemovalGuard admits anew what waits when leadership is gained again", async () => {
  const store = seeded(...routers(50));
  const { publisher, publish, served, guard } = await guarded(store);
  await publish([], routers(50));
  store.setLeading(false);
  store.setLeading(true);
  await until("all that may be is committed", () => publisher.isSettled);
  assert.equal(served().size, 50);
  assert.equal(guard.holds()[0]?.objects, 50);
});

test("RemovalGuard at 100 percent holds nothing", async () => {
  const store = seeded(...routers(50));
  const guard = new RemovalGuard({
    percent: 100,
    requires: () => [],
    isRead: () => true,
    writeNote: () => Promise.reject(new Error("not asked")),
    log: new RecordingLog(),
  });
  const publisher = new GenerationPublisher({ store, log: new RecordingLog(), guard });
  await publisher.start(new AbortController().signal);
  publisher.publishReady();
  publisher.publish({ upserts: [], removals: routers(50) });
  await until("the commit", () => publisher.committed.full().upserts.length === 0);
});
