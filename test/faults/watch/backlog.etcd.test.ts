/** What was written while nobody watched arrives once, whole and in order, wherever the line was cut. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { ProviderAggregator } from "../../../control-plane/aggregator/provider-aggregator.ts";
import { SnapshotCompiler } from "../../../control-plane/compiler/snapshot-compiler.ts";
import { EtcdClient, type EtcdClientOptions } from "../../../control-plane/etcd/etcd-client.ts";
import type { EtcdAccess } from "../../../control-plane/etcd/etcd-connection.ts";
import { EtcdProvider } from "../../../control-plane/provider/etcd-provider.ts";
import { ConfigurationWatcher } from "../../../control-plane/watcher/configuration-watcher.ts";
import { dumpDigest } from "../../support/dump-digest.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { silentLog } from "../../support/silent-log.ts";
import { anonymous, Watched } from "../../support/watched.ts";
import { faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";
import { assertAscending, prefix, WatchWorld } from "./watch-world.ts";

describe("backlog", { concurrency: true }, () => {
  faultTest({
    id: "W3",
    title: "a backlog of 7 MB after a disconnection: every event",
    guard: "fragments and an unlimited size of messages",
    run: async ({ guarded }) => {
      await using world = await WatchWorld.start();
      const watched = await world.watch(
        guarded
          ? {}
          : { guards: { fragments: false }, client: { guards: { unlimitedReceive: false } } },
      );
      world.proxy.mode = "refuse";
      const value = "x".repeat(8_000);
      for (let i = 0; i < 900; i++) await world.write({ [`k${i % 450}`]: `${i}${value}` });
      await world.write({ last: "1", k0: undefined });
      world.proxy.mode = "pass";
      await within(8_000, "902 events", () => watched.changedKeys.length >= 902);
      assert.equal(watched.changedKeys.length, 902);
      assertAscending(watched.revisions);
      assert.equal(watched.counts.lists, 1, "from the history, not from a list");
      await world.converges(watched, 0);
    },
  });

  faultTest({
    id: "W4",
    title: "cut after any number of bytes, `created` and parts of the backlog among them",
    guard: "resuming after the last event, not after the header of an answer",
    run: async ({ context, size, guarded }) => {
      const seed = Date.now() % 1_000_000;
      context.diagnostic(`seed ${seed}`);
      const random = new SeededRandom(seed);
      await using world = await WatchWorld.start();
      const watched = await world.watch({
        guards: { resumes: guarded ? "afterLastEvent" : "afterHeader" },
      });
      const { proxy } = world;
      const rounds = size === "full" ? 50 : 8;
      for (let round = 0; round < rounds; round++) {
        proxy.mode = "refuse";
        const before = watched.calls.length;
        for (let i = 0; i < 30; i++) await world.write({ a: `${round}-${i}`, b: `${round}-${i}` });
        // One part of the way is a part of the answers to come: preface, unary answers, `created`, backlog.
        proxy.cutAfterBytes = 20 + Math.floor((2_000 * (round + random.next())) / rounds);
        const { accepted } = proxy;
        proxy.mode = "pass";
        await within(5_000, "two cut connections", () => proxy.accepted >= accepted + 2);
        proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
        await within(5_000, "every transaction", () => watched.calls.length >= before + 30);
        assert.equal(watched.calls.length, before + 30, "none twice");
      }
      for (const changes of watched.calls) assert.equal(changes.length, 2);
      assertAscending(watched.revisions);
      await world.converges(watched, 0);
    },
    timeoutMs: 180_000,
  });

  faultTest({
    id: "W10",
    title: "a transaction of many keys is never split, not by fragments of a backlog either",
    guard: "handing over the events of one revision together",
    run: async ({ size, guarded }) => {
      await using world = await WatchWorld.start();
      const watched = await world.watch({ guards: { wholeRevisions: guarded } });
      const value = "x".repeat(20_000);
      const transaction = (i: number) =>
        Object.fromEntries(Array.from({ length: 40 }, (_, key) => [`k${key}`, `${i}:${value}`]));
      const rounds = size === "full" ? 100 : 10;
      for (let i = 0; i < rounds; i++) {
        // Small ones while connected, large ones as a backlog of several fragments.
        if (i === rounds / 2) world.proxy.mode = "refuse";
        await world.write(transaction(i));
      }
      world.proxy.mode = "pass";
      await within(10_000, "every transaction", () => watched.revisions.length >= rounds);
      assert.deepEqual(
        watched.calls.map((changes) => new Set(changes.map((change) => change.value)).size),
        Array.from({ length: rounds }, () => 1),
      );
      assert.ok(watched.calls.every((changes) => changes.length === 40));
      await world.converges(watched, 0);
      await neverSplitByThePipeline(world, rounds);
    },
  });

  faultTest({
    id: "W11",
    title: "what is written between the list and the watch arrives",
    guard: "watching from the revision of the list",
    run: async ({ size, guarded }) => {
      await using world = await WatchWorld.start();
      const rounds = size === "full" ? 200 : 20;
      for (let round = 0; round < rounds; round++) {
        const writing = async () => void (await world.write({ between: `${round}` }));
        await using watched = new Watched(world.etcd.endpoint, {
          guards: { resumes: guarded ? "afterLastEvent" : "now" },
          makeClient: (access, options) => new WritingClient(access, options, writing),
        });
        await within(
          2_000,
          "what was written between",
          () => watched.state.get(`${prefix}between`) === `${round}`,
        );
        await world.converges(watched, 1_000);
      }
    },
  });
});

/** Twenty services that always change together, from the provider to what is committed as a generation. */
async function neverSplitByThePipeline(world: WatchWorld, rounds: number): Promise<void> {
  const services = Array.from({ length: 20 }, (_, i) => `http/services/s${i}`);
  const writeAll = (port: number) =>
    world.write(
      Object.fromEntries(
        services.map((name) => [`${name}/loadBalancer/servers/0/url`, `http://127.0.0.1:${port}`]),
      ),
    );
  await writeAll(1);
  const compiler = new SnapshotCompiler({ precedence: ["etcd"] });
  const sizes: number[] = [];
  let digest = "";
  const watcher = new ConfigurationWatcher({
    providers: ["etcd"],
    onBatch: ({ changes, sources }) => {
      const { upserts } = compiler.apply(changes).delta;
      if (upserts.length > 0) sizes.push(upserts.length);
      digest = Buffer.from(sources.get("etcd")?.digest ?? []).toString("hex");
    },
    onProblems: () => {},
  });
  const etcd = { ...anonymous, endpoints: [world.proxy.endpoint], rootKey: "traefik" };
  await using aggregator = new ProviderAggregator({
    providers: [new EtcdProvider({ etcd, log: silentLog })],
    throttleMs: 0,
    deliver: (tagged) => watcher.accept(tagged),
    log: silentLog,
  });
  aggregator.start(new AbortController().signal);
  await within(5_000, "the first batch", () => sizes.length > 0);
  for (let i = 0; i < rounds; i++) {
    if (i === rounds / 2) world.proxy.reset();
    await writeAll(i + 2);
  }
  const expected = dumpDigest(await world.etcd.read(prefix));
  await within(5_000, "the digest of the source", () => digest === expected);
  assert.deepEqual(new Set(sizes), new Set([services.length]));
}

/** Writes once the list is through, before the stream is opened. */
class WritingClient extends EtcdClient {
  readonly #write: () => Promise<void>;

  constructor(access: EtcdAccess, options: EtcdClientOptions, write: () => Promise<void>) {
    super(access, options);
    this.#write = write;
  }

  override async openWatch() {
    await this.#write();
    return await super.openWatch();
  }
}
