import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { MemorySnapshotStore } from "../../test/support/memory-snapshot-store.ts";
import { routerResource } from "../../test/support/resources.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { GenerationPublisher } from "./generation-publisher.ts";
import { NotLeaderError, StoreUnavailableError } from "./snapshot-store.ts";

function upserting(...upserts: Resource[]): SnapshotDelta {
  return { upserts, removals: [] };
}

function removing(...names: string[]): SnapshotDelta {
  return { upserts: [], removals: names.map((name) => routerResource(name)) };
}

async function startPublisher(store: MemorySnapshotStore, ready = true) {
  const carried: SnapshotDelta[] = [];
  const waits: number[] = [];
  const publisher = new GenerationPublisher({
    store,
    log: silentLog,
    carryOver: (delta) => carried.push(delta),
    wait: async (ms) => void waits.push(ms),
  });
  await publisher.start(new AbortController().signal);
  if (ready) publisher.publishReady();
  return { publisher, carried, waits };
}

/** Holds every commit until `release()`. */
function holdCommits(store: MemorySnapshotStore) {
  const held: PromiseWithResolvers<void>[] = [];
  store.beforeCommit = () => {
    const gate = Promise.withResolvers<void>();
    held.push(gate);
    return gate.promise;
  };
  return {
    release: () => held.shift()?.resolve(),
    fail: (error: Error) => held.shift()?.reject(error),
  };
}

function contentOf(publisher: GenerationPublisher): Map<string, string> {
  const { upserts } = publisher.committed.full();
  return new Map(upserts.map(({ name, hash }) => [name, Buffer.from(hash).toString("hex")]));
}

function contentOfResources(...resources: Resource[]): Map<string, string> {
  return new Map(resources.map(({ name, hash }) => [name, Buffer.from(hash).toString("hex")]));
}

const numbers = (store: MemorySnapshotStore) =>
  store.commits.map(({ generation }) => generation.number);

test("GenerationPublisher commits at once while nothing is under way", async () => {
  const store = new MemorySnapshotStore();
  const { publisher } = await startPublisher(store);
  publisher.publish(upserting(routerResource("a")));
  await turn();
  assert.deepEqual(numbers(store), [1n]);
  assert.deepEqual(publisher.committed.head?.generation, store.generation);
});

test("GenerationPublisher merges what arrives during a commit into the next, newest value first", async () => {
  const store = new MemorySnapshotStore();
  const { publisher } = await startPublisher(store);
  const commits = holdCommits(store);
  publisher.publish(upserting(routerResource("a", 1)));
  for (const version of [2, 3, 4]) publisher.publish(upserting(routerResource("a", version)));
  publisher.publish(upserting(routerResource("b")));
  publisher.publish(removing("b"));
  await turn();
  commits.release();
  await turn();
  commits.release();
  await turn();
  assert.equal(store.commits.length, 2);
  assert.deepEqual(store.commits[1]?.delta, upserting(routerResource("a", 4)));
});

test("GenerationPublisher sends a value back that was changed and is under way", async () => {
  const store = new MemorySnapshotStore("fleet-a", upserting(routerResource("a", 1)));
  const { publisher } = await startPublisher(store);
  const commits = holdCommits(store);
  publisher.publish(upserting(routerResource("a", 2)));
  publisher.publish(upserting(routerResource("a", 1))); // as committed now, not as it will be
  await turn();
  commits.release();
  await turn();
  commits.release();
  await turn();
  assert.deepEqual(contentOf(publisher), contentOfResources(routerResource("a", 1)));
  assert.deepEqual(numbers(store), [1n, 2n, 3n]);
});

test("GenerationPublisher makes no generation of a change that changes nothing", async () => {
  const store = new MemorySnapshotStore("fleet-a", upserting(routerResource("a")));
  const { publisher } = await startPublisher(store);
  publisher.publish(upserting(routerResource("a")));
  publisher.publish(removing("never-there"));
  publisher.publish(upserting());
  await turn();
  assert.deepEqual(numbers(store), [1n]);
  publisher.publish(upserting(routerResource("b")));
  await turn();
  assert.deepEqual(numbers(store), [1n, 2n]);
});

test("GenerationPublisher commits nothing before publishReady(), and hands over what the store holds", async () => {
  const seed = upserting(routerResource("a"));
  const store = new MemorySnapshotStore("fleet-a", seed);
  const { publisher, carried } = await startPublisher(store, false);
  publisher.publish(upserting(routerResource("b")));
  const byOther = upserting(routerResource("c"));
  store.commitByOther(byOther);
  await turn();
  assert.deepEqual(numbers(store), [1n, 2n]);
  assert.deepEqual(carried, [seed, byOther]);
  publisher.publishReady();
  await turn();
  assert.deepEqual(store.commits.at(-1)?.delta, upserting(routerResource("b")));
  assert.deepEqual([...contentOf(publisher).keys()].sort(), ["a", "b", "c"]);
});

test("GenerationPublisher keeps the merged change through a store out of reach", async () => {
  const store = new MemorySnapshotStore();
  const { publisher, waits } = await startPublisher(store);
  let failures = 3;
  store.beforeCommit = () => {
    if (failures === 0) return;
    publisher.publish(upserting(routerResource("a", --failures)));
    throw new StoreUnavailableError("Cannot commit: connection refused");
  };
  publisher.publish(upserting(routerResource("a", "first"), routerResource("b")));
  await turn();
  assert.equal(waits.length, 3);
  assert.deepEqual(
    contentOf(publisher),
    contentOfResources(routerResource("a", 0), routerResource("b")),
  );
});

test("GenerationPublisher keeps the change until it leads, and then commits the difference only", async () => {
  const store = new MemorySnapshotStore("fleet-a", upserting(routerResource("a", 1)));
  const { publisher } = await startPublisher(store);
  store.setLeading(false);
  publisher.publish(upserting(routerResource("a", 2), routerResource("b", 1)));
  publisher.publish(removing("c"));
  store.commitByOther(upserting(routerResource("a", 2))); // the leader got there first
  store.commitByOther(upserting(routerResource("c", 1)));
  await turn();
  assert.equal(store.commits.length, 3);
  store.setLeading(true);
  await turn();
  assert.deepEqual(store.commits[3]?.delta, {
    upserts: [routerResource("b", 1)],
    removals: [{ kind: routerResource("c").kind, name: "c" }],
  });
});

test("GenerationPublisher takes back, when it leads, what another leader changed against its wish", async () => {
  const store = new MemorySnapshotStore(
    "fleet-a",
    upserting(routerResource("a"), routerResource("b")),
  );
  const { publisher } = await startPublisher(store);
  store.setLeading(false);
  store.commitByOther({ upserts: [routerResource("a", "other")], removals: [routerResource("b")] });
  store.setLeading(true);
  await turn();
  assert.deepEqual(
    contentOf(publisher),
    contentOfResources(routerResource("a"), routerResource("b")),
  );
});

test("GenerationPublisher stands back after NotLeaderError until it is told that it leads", async () => {
  const store = new MemorySnapshotStore();
  const { publisher, waits } = await startPublisher(store);
  let attempts = 0;
  store.beforeCommit = () => {
    attempts++;
    throw new NotLeaderError("Cannot commit: another control plane leads");
  };
  publisher.publish(upserting(routerResource("a")));
  await turn();
  publisher.publish(upserting(routerResource("b")));
  await turn();
  assert.deepEqual([attempts, waits], [1, []]);
  store.beforeCommit = () => {};
  store.setLeading(true);
  await turn();
  assert.deepEqual([...contentOf(publisher).keys()].sort(), ["a", "b"]);
});

test("GenerationPublisher shows no reader what is not committed yet", async () => {
  const store = new MemorySnapshotStore(
    "fleet-a",
    upserting(routerResource("a"), routerResource("b")),
  );
  const { publisher } = await startPublisher(store);
  const base = { generation: store.generation!, digest: publisher.committed.head!.digest! };
  const before = contentOf(publisher);
  const commits = holdCommits(store);
  publisher.publish({
    upserts: [routerResource("a", 2), routerResource("c")],
    removals: removing("b").removals,
  });
  assert.deepEqual(contentOf(publisher), before);
  assert.deepEqual(publisher.committed.deltaSince(base), { upserts: [], removals: [] });
  commits.fail(new StoreUnavailableError("Cannot commit: connection reset"));
  await turn();
  assert.deepEqual(contentOf(publisher), before);
  commits.release();
  await turn();
  assert.deepEqual(
    contentOf(publisher),
    contentOfResources(routerResource("a", 2), routerResource("c")),
  );
  const since = publisher.committed.deltaSince(base);
  assert.deepEqual(since?.upserts, [routerResource("a", 2), routerResource("c")]);
  assert.deepEqual(
    since?.removals.map(({ name }) => name),
    ["b"],
  );
});

test("GenerationPublisher fills a replaced store with what is desired, and removes the rest", async () => {
  const store = new MemorySnapshotStore(
    "fleet-a",
    upserting(routerResource("a"), routerResource("b")),
  );
  const { publisher, carried } = await startPublisher(store);
  publisher.publish(upserting(routerResource("b", 2)));
  await turn();
  const commits = holdCommits(store);
  publisher.publish(upserting(routerResource("c"))); // under way while the store is replaced
  store.replace("fleet-b", upserting(routerResource("b", 2), routerResource("stray")));
  commits.fail(new StoreUnavailableError("Cannot commit: the store was replaced"));
  store.beforeCommit = () => {};
  await turn();
  assert.equal(carried.length, 1);
  assert.equal(publisher.committed.head?.fleetId, "fleet-b");
  assert.deepEqual(
    contentOf(publisher),
    contentOfResources(routerResource("b", 2), routerResource("a"), routerResource("c")),
  );
});

test("GenerationPublisher offers nothing when a commit does not have its digest", async () => {
  const store = new MemorySnapshotStore("fleet-a", upserting(routerResource("a")));
  const errors: unknown[] = [];
  const publisher = new GenerationPublisher({
    store: {
      open: (reader) =>
        store.open({
          ...reader,
          onCommit: (commit) => reader.onCommit({ ...commit, digest: Buffer.alloc(32) }),
        }),
      onLeadership: () => {},
      commit: () => Promise.reject(new NotLeaderError("Cannot commit")),
      writeNote: async () => false,
      adoptFleet: () => Promise.reject(new NotLeaderError("Cannot adopt")),
      stop: () => store.stop(),
    },
    log: { ...silentLog, error: (_message, fields) => errors.push(fields?.["error"]) },
  });
  await publisher.start(new AbortController().signal);
  assert.equal(publisher.committed.head?.generation?.number, 1n);
  store.commitByOther(upserting(routerResource("b")));
  assert.equal(publisher.committed.head, undefined);
  assert.match(
    String(errors[0]),
    /Cannot offer generation 2: what was read does not have its digest/,
  );
});

test("GenerationPublisher ends in what is desired, whatever fails, is lost, or others commit", async () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), name, version: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ kind: fc.constant("remove" as const), name }),
    fc.record({
      kind: fc.constant("other" as const),
      name,
      version: fc.integer({ min: 0, max: 2 }),
    }),
    fc.record({ kind: fc.constantFrom("unavailable", "notLeader", "lead", "replace", "turn") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
      const store = new MemorySnapshotStore("fleet-a", upserting(routerResource("a")));
      const { publisher } = await startPublisher(store);
      const desired = new KeyedSnapshot();
      desired.apply(upserting(routerResource("a")));
      const publish = (delta: SnapshotDelta) => {
        desired.apply(delta);
        publisher.publish(delta);
      };
      for (const step of operations) {
        if (step.kind === "set" && "version" in step) {
          publish(upserting(routerResource(step.name, step.version)));
        } else if (step.kind === "remove" && "name" in step) publish(removing(step.name));
        else if (step.kind === "other" && "version" in step) {
          // A second leader exists only after the first was told, or found out.
          store.setLeading(false);
          store.commitByOther(upserting(routerResource(step.name, step.version)));
        } else if (step.kind === "lead") store.setLeading(true);
        else if (step.kind === "replace") store.replace("fleet-b", upserting(routerResource("z")));
        else if (step.kind === "turn") await turn();
        else {
          const failure = step.kind === "notLeader" ? NotLeaderError : StoreUnavailableError;
          store.beforeCommit = async () => {
            store.beforeCommit = () => {};
            await turn();
            throw new failure("Cannot commit");
          };
        }
      }
      store.beforeCommit = () => {};
      await turn();
      store.setLeading(true);
      for (let turns = 0; turns < 6; turns++) await turn();
      const committed = publisher.committed;
      assert.deepEqual(new Set(committed.full().upserts), new Set(desired.resources()));
      const held = new KeyedSnapshot();
      held.apply(committed.full());
      assert.deepEqual(Buffer.from(held.digest()), Buffer.from(desired.digest()));
      if (desired.size > 0) {
        assert.deepEqual(Buffer.from(committed.head!.digest!), Buffer.from(desired.digest()));
      }
      await publisher.stop();
    }),
    { numRuns: 300 },
  );
});
