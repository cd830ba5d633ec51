import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Logger } from "../../foundation/log.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import type { Provider, ProviderEvent } from "../provider/provider.ts";
import { ProviderAggregator } from "./provider-aggregator.ts";
import type { TaggedEvent } from "./tagged-event.ts";

const complete: ProviderEvent = { kind: "complete" };

class ScriptedProvider implements Provider {
  readonly name: string;
  emit: (event: ProviderEvent) => void = () => assert.fail("not started");
  stops = 0;
  readonly #onStart: () => Promise<void>;

  constructor(name: string, onStart: () => Promise<void> = async () => {}) {
    this.name = name;
    this.#onStart = onStart;
  }

  start(emit: (event: ProviderEvent) => void): Promise<void> {
    this.emit = emit;
    return this.#onStart();
  }

  async stop(): Promise<void> {
    this.stops++;
  }
}

function aggregate(providers: readonly Provider[], log: Logger = silentLog) {
  const delivered: TaggedEvent[] = [];
  const aggregator = new ProviderAggregator({
    providers,
    throttleMs: 0,
    deliver: (tagged) => void delivered.push(tagged),
    log,
  });
  aggregator.start(new AbortController().signal);
  return { aggregator, delivered };
}

describe("ProviderAggregator", () => {
  test("tags what each provider says, in order", async () => {
    const [file, etcd] = [new ScriptedProvider("file"), new ScriptedProvider("etcd")];
    const { aggregator, delivered } = aggregate([file, etcd]);
    etcd.emit({ kind: "unavailable", reason: "x" });
    file.emit(complete);
    etcd.emit(complete);
    assert.deepEqual(
      delivered.map(({ provider, event }) => `${provider} ${event.kind}`),
      ["etcd unavailable", "file complete", "etcd complete"],
    );
    await aggregator.stop();
  });

  test("does not let one provider's slow or failing start touch another", async () => {
    const errors: unknown[] = [];
    const log = { ...silentLog, error: (_: string, fields: unknown) => void errors.push(fields) };
    const failure = new Error("no such directory");
    const healthy = new ScriptedProvider("file");
    const { aggregator, delivered } = aggregate(
      [
        new ScriptedProvider("hangs", () => new Promise(() => {})),
        new ScriptedProvider("rejects", () => Promise.reject(failure)),
        new ScriptedProvider("throws", () => {
          throw failure;
        }),
        healthy,
      ],
      log,
    );
    healthy.emit(complete);
    await new Promise(setImmediate);
    assert.deepEqual(
      delivered.map(({ provider, event }) => `${provider} ${event.kind}`),
      ["throws unavailable", "file complete", "rejects unavailable"],
    );
    assert.deepEqual(errors, [
      { provider: "throws", error: failure },
      { provider: "rejects", error: failure },
    ]);
    await aggregator.stop();
  });

  test("delivers nothing once stopped, whatever a provider still says", async () => {
    const late = new ScriptedProvider("file");
    const { aggregator, delivered } = aggregate([late]);
    const stopped = aggregator.stop();
    late.emit(complete);
    await stopped;
    late.emit(complete);
    assert.equal(aggregator.stop(), stopped);
    assert.deepEqual([delivered, late.stops], [[], 1]);
  });

  test("stops every provider even when one cannot stop", async () => {
    const broken = new ScriptedProvider("etcd");
    broken.stop = () => Promise.reject(new Error("already closed"));
    const file = new ScriptedProvider("file");
    const { aggregator } = aggregate([broken, file]);
    await aggregator.stop();
    assert.equal(file.stops, 1);
  });

  test("keeps a fault of the next stage out of the provider", async () => {
    const errors: string[] = [];
    const file = new ScriptedProvider("file");
    const aggregator = new ProviderAggregator({
      providers: [file],
      throttleMs: 0,
      deliver: () => {
        throw new Error("unexpected");
      },
      log: { ...silentLog, error: (message) => void errors.push(message) },
    });
    aggregator.start(new AbortController().signal);
    file.emit(complete);
    assert.deepEqual(errors, ["provider event could not be taken in"]);
    await aggregator.stop();
  });

  test("refuses two providers of one name", () => {
    assert.throws(
      () => aggregate([new ScriptedProvider("file"), new ScriptedProvider("file")]),
      /two have the same name/,
    );
  });
});
