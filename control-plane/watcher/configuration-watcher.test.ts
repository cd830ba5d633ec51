import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  entryPoint,
  httpRouter,
  httpService,
  nodeSettings,
} from "../../test/support/dynamic-config.ts";
import { ConfigurationWatcher } from "./configuration-watcher.ts";
import type { WatchedChange } from "./watched-change.ts";

function has(name: string, config: DynamicObject = httpService(), line = 1): SourceChange {
  const source = { provider: "file", location: "routes.yml", line, column: 1 };
  return { key: { kind: config.kind, name }, object: { source, config, problems: [] } };
}

function lacks(name: string): SourceChange {
  return { key: { kind: "httpService", name }, object: undefined };
}

function service(name: string): Resource {
  const [hash, payload] = [new Uint8Array(32), new Uint8Array()];
  return { kind: ResourceKind.HTTP_SERVICE, name, hash, payload };
}

class Watching {
  readonly batches: (readonly WatchedChange[])[] = [];
  readonly problems: [string, readonly Diagnostic[]][] = [];
  readonly watcher: ConfigurationWatcher;

  constructor(...providers: readonly string[]) {
    this.watcher = new ConfigurationWatcher({
      providers,
      onBatch: ({ changes }) => void this.batches.push(changes),
      onProblems: (provider, problems) => void this.problems.push([provider, problems]),
    });
  }

  changes(provider: string, ...changes: readonly SourceChange[]): void {
    this.watcher.accept({ provider, event: { kind: "changes", changes } });
  }

  complete(...providers: readonly string[]): void {
    for (const provider of providers) {
      this.watcher.accept({ provider, event: { kind: "complete" } });
    }
  }

  unavailable(provider: string): void {
    this.watcher.accept({ provider, event: { kind: "unavailable", reason: "x" } });
  }

  /** Batches since the last call: `+name` for what is there, `-name` for what is gone. */
  take(): string[] {
    return this.batches.splice(0).map((changes) =>
      changes
        .map(({ key, object }) => (object === undefined ? "-" : "+") + key.name)
        .sort()
        .join(" "),
    );
  }
}

describe("ConfigurationWatcher", () => {
  test("qualifies names, except those there is only one of in a fleet", () => {
    const watching = new Watching("internal", "file");
    watching.complete("file");
    watching.changes("internal", has("web", entryPoint(80)), has("node", nodeSettings()), has("x"));
    watching.changes("file", has("x"), has("r", httpRouter()));
    watching.complete("internal");
    assert.deepEqual(watching.take(), ["+node +r@file +web +x@file +x@internal"]);
  });

  test("publishes nothing before every provider has read its source or said that it cannot", () => {
    const watching = new Watching("file", "etcd", "rest");
    watching.changes("file", has("a"), has("b"));
    watching.complete("file");
    watching.changes("etcd", has("c"));
    watching.changes("file", lacks("a"));
    watching.unavailable("etcd");
    assert.deepEqual([watching.take(), watching.watcher.pendingProviders], [[], ["rest"]]);
    watching.complete("rest");
    assert.deepEqual(watching.take(), ["+b@file +c@etcd -a@file"]);
    watching.changes("etcd", has("d"));
    assert.deepEqual(watching.take(), ["+d@etcd"]);
  });

  test("tells with an empty batch that everybody has been heard", () => {
    const watching = new Watching("file");
    watching.complete("file");
    assert.deepEqual(watching.take(), [""]);
    watching.changes("file", lacks("never there"));
    assert.deepEqual(watching.take(), []);
  });

  test("skips what did not change and keeps what changed together in one batch", () => {
    const watching = new Watching("file");
    watching.complete("file");
    watching.changes("file", has("a"), has("b"));
    watching.take();
    watching.changes("file", has("a"), has("b", httpService(["http://10.0.0.9"])), has("c"));
    assert.deepEqual(watching.take(), ["+b@file +c@file"]);
    watching.changes("file", has("a"));
    assert.deepEqual(watching.take(), []);
  });

  test("hands on a move in the source around the same content", () => {
    const watching = new Watching("file");
    watching.changes("file", has("a"));
    watching.complete("file");
    watching.changes("file", has("a", httpService(), 7));
    const [[first], [moved]] = watching.batches as [[WatchedChange], [WatchedChange]];
    assert.equal(moved.object?.source.line, 7);
    assert.equal(moved.object.config, first.object?.config, "the very same object");
  });

  test("drops carried objects that a complete provider has not named", () => {
    const watching = new Watching("file");
    watching.watcher.carryOver({
      upserts: [service("kept@file"), service("gone@file"), service("broken@file")],
      removals: [],
    });
    const broken = { ...has("broken").object!, config: undefined };
    watching.changes("file", has("kept"), { key: has("broken").key, object: broken });
    watching.complete("file");
    assert.deepEqual(watching.take(), ["+broken@file +kept@file -gone@file"]);
  });

  test("keeps carried objects of a provider that cannot read, until it has", () => {
    const watching = new Watching("etcd");
    watching.watcher.carryOver({ upserts: [service("a@etcd"), service("b@etcd")], removals: [] });
    watching.unavailable("etcd");
    assert.deepEqual(watching.take(), [""]);
    watching.changes("etcd", has("a"));
    watching.complete("etcd");
    assert.deepEqual(watching.take(), ["+a@etcd", "-b@etcd"]);
  });

  test("removes a carried object its provider deletes", () => {
    const watching = new Watching("etcd");
    watching.watcher.carryOver({ upserts: [service("a@etcd")], removals: [] });
    watching.unavailable("etcd");
    watching.changes("etcd", lacks("a"));
    watching.complete("etcd");
    assert.deepEqual(watching.take(), ["", "-a@etcd"]);
  });

  test("drops objects of providers that are no longer configured", () => {
    const watching = new Watching("file");
    watching.watcher.carryOver({ upserts: [service("a@etcd"), service("b@file")], removals: [] });
    watching.unavailable("file");
    assert.deepEqual(watching.take(), ["-a@etcd"]);
  });

  test("takes in what another process commits while it still waits", () => {
    const watching = new Watching("file", "etcd");
    watching.watcher.carryOver({ upserts: [service("a@etcd")], removals: [] });
    watching.changes("etcd", has("new"));
    watching.complete("etcd");
    watching.watcher.carryOver({
      upserts: [service("other@etcd"), service("new@etcd"), service("b@file")],
      removals: [{ kind: ResourceKind.HTTP_SERVICE, name: "b@file" }],
    });
    watching.complete("file");
    assert.deepEqual(watching.take(), ["+new@etcd -a@etcd -other@etcd"]);
  });

  test("passes problems of a source on as they come", () => {
    const watching = new Watching("file");
    watching.watcher.accept({ provider: "file", event: { kind: "problems", problems: [] } });
    assert.deepEqual([watching.problems, watching.take()], [[["file", []]], []]);
  });
});

test("ConfigurationWatcher hands on what the sources say, also when no object changed, and not twice", () => {
  const told: string[] = [];
  const watcher = new ConfigurationWatcher({
    providers: ["etcd", "file"],
    onBatch: ({ changes, sources }) => {
      const states = Array.from(sources, ([name, { digest }]) => `${name}=${digest[0]}`);
      told.push(`${changes.length} ${states.join(" ")}`);
    },
    onProblems: () => {},
  });
  const say = (provider: string, digest: number, ...changes: SourceChange[]) =>
    watcher.accept({
      provider,
      event: { kind: "changes", changes, source: { digest: Uint8Array.of(digest) } },
    });
  say("etcd", 1, has("a"));
  say("etcd", 2);
  watcher.accept({ provider: "etcd", event: { kind: "complete" } });
  assert.deepEqual(told, []);
  watcher.accept({ provider: "file", event: { kind: "complete" } });
  say("etcd", 3);
  say("etcd", 3);
  say("file", 1, has("b"));
  assert.deepEqual(told, ["1 etcd=2", "0 etcd=3", "1 etcd=3 file=1"]);
});
