/**
 * No stage's input or output type holds a whole configuration: a full load is a sequence of changes ended by a mark. The
 * test is of types: what a stage takes and gives may hold changes (a key with its new value) and resources of a delta,
 * but no collection of configuration objects or resources by name, at any depth, methods' parameters included.
 *
 * The assertions are checked by the compiler, here by a run of it over this file, so that `npm test` sees them too.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { SourceObject } from "../../config-model/dynamic/source-object.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { TaggedEvent } from "../../control-plane/aggregator/tagged-event.ts";
import type {
  CompiledChange,
  SnapshotCompiler,
} from "../../control-plane/compiler/snapshot-compiler.ts";
import type { Provider, ProviderEvent } from "../../control-plane/provider/provider.ts";
import type {
  SnapshotReader,
  SnapshotStore,
} from "../../control-plane/snapshot-store/snapshot-store.ts";
import type { ConfigurationWatcher } from "../../control-plane/watcher/configuration-watcher.ts";
import type { WatchedBatch } from "../../control-plane/watcher/watched-change.ts";
import type { AgentToWorker, WorkerToAgent } from "../../data-plane/worker/worker-protocol.ts";
import type { FollowRequest, FollowResponse } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";

/** What a configuration is made of. */
type Unit = DynamicObject | SourceObject | Resource;

type Leaf =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Uint8Array
  | AbortSignal;

/** How deep types are looked into; no stage's type is half as deep. */
type Steps = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
type Less<Left extends readonly unknown[]> = Left extends readonly [unknown, ...infer Rest]
  ? Rest
  : [];

type IsUnit<T> = [T] extends [never] ? false : T extends Unit ? true : never;

/** `true` when T, or something in it, is a collection of configuration by name, or a list of configuration objects. */
type HoldsWhole<T, Left extends readonly unknown[] = Steps> = Left extends readonly []
  ? never
  : T extends Leaf
    ? never
    : T extends (...parameters: infer Parameters) => infer Result
      ? HoldsWhole<Parameters[number] | Awaited<Result>, Less<Left>>
      : T extends ReadonlyMap<unknown, infer Value>
        ? IsUnit<Value> | HoldsWhole<Value, Less<Left>>
        : T extends Iterable<infer Element>
          ?
              | (Element extends DynamicObject | SourceObject ? true : never)
              | HoldsWhole<Element, Less<Left>>
          : T extends object
            ? string extends keyof T
              ? IsUnit<T[keyof T]> | HoldsWhole<T[keyof T], Less<Left>>
              : { [Key in keyof T]-?: HoldsWhole<T[Key], Less<Left>> }[keyof T]
            : never;

/** Fails to compile for what holds a whole configuration. */
type Change<T> = true extends HoldsWhole<T> ? never : T;
type Whole<T> = true extends HoldsWhole<T> ? T : never;

interface Stages {
  readonly provider: Change<Provider>;
  readonly providerEvent: Change<ProviderEvent>;
  readonly aggregator: Change<TaggedEvent>;
  readonly watcherIn: Change<ConfigurationWatcher["accept"]>;
  readonly watcherCarried: Change<ConfigurationWatcher["carryOver"]>;
  readonly watcherOut: Change<WatchedBatch>;
  readonly compilerIn: Change<SnapshotCompiler["apply"]>;
  readonly compilerCarried: Change<SnapshotCompiler["carryOver"]>;
  readonly compilerOut: Change<CompiledChange>;
  readonly storeReader: Change<SnapshotReader>;
  readonly storeCommit: Change<SnapshotStore["commit"]>;
  readonly delta: Change<SnapshotDelta>;
  readonly streamUp: Change<FollowRequest>;
  readonly streamDown: Change<FollowResponse>;
  readonly workerIn: Change<AgentToWorker>;
  readonly workerOut: Change<WorkerToAgent>;
}

/** What the check must find, or it finds nothing. */
interface Mistakes {
  readonly map: Whole<{ readonly routers: ReadonlyMap<string, DynamicObject> }>;
  readonly record: Whole<{ readonly routers: Readonly<Record<string, SourceObject>> }>;
  readonly nested: Whole<{ readonly a: readonly { readonly b: Map<string, Resource> }[] }>;
  readonly list: Whole<{
    readonly kind: "configuration";
    readonly objects: readonly DynamicObject[];
  }>;
  readonly parameter: Whole<(configuration: ReadonlyMap<string, SourceObject>) => void>;
  readonly result: Whole<() => Promise<ReadonlyMap<string, Resource>>>;
}

type Nevers<T> = { [Key in keyof T]: [T[Key]] extends [never] ? Key : never }[keyof T];

/** An error of the compiler here names the stage that holds a whole configuration, or the mistake that is not found. */
const allStagesHoldChanges: [Nevers<Stages>] extends [never] ? true : Nevers<Stages> = true;
const allMistakesAreFound: [Nevers<Mistakes>] extends [never] ? true : Nevers<Mistakes> = true;

test("no stage takes or gives a whole configuration", () => {
  assert.deepEqual([allStagesHoldChanges, allMistakesAreFound], [true, true]);
  const root = join(import.meta.dirname, "../..");
  const options = "--noEmit --strict --target esnext --module nodenext --types node --skipLibCheck";
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/typescript/bin/tsc"),
      ...options.split(" "),
      "--ignoreConfig",
      "--allowImportingTsExtensions",
      join(import.meta.dirname, "stage-types.test.ts"),
    ],
    { cwd: root, encoding: "utf8" },
  );
  const own = stdout.split("\n").filter((line) => line.startsWith("test/architecture/stage-types"));
  assert.deepEqual([own, status !== null], [[], true]);
});
