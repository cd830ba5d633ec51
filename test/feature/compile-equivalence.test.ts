/**
 * For every sequence of edits, what watcher and compiler make of the changes one by one is what compiling the final
 * configuration from nothing gives, byte for byte. An object with a mistake counts with its last good content, and with
 * none when it never had one since it was last deleted. What is said of objects without a mistake is the same too.
 *
 * SWITCHYARD_EQUIVALENCE_RUNS sets the number of sequences, SWITCHYARD_EQUIVALENCE_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import { qualifiedKey } from "../../config-model/dynamic/qualified-name.ts";
import type { SourceChange, SourceObject } from "../../config-model/dynamic/source-object.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import { decodeBody } from "../../control-plane/compiler/resource-body.ts";
import { SnapshotCompiler } from "../../control-plane/compiler/snapshot-compiler.ts";
import { ConfigurationWatcher } from "../../control-plane/watcher/configuration-watcher.ts";
import type { WatchedChange } from "../../control-plane/watcher/watched-change.ts";
import { naiveCompile } from "../support/naive-compile.ts";
import { type Edit, edits } from "../support/random-edit.ts";

const runs = Number(process.env["SWITCHYARD_EQUIVALENCE_RUNS"] ?? 10_000);
const seed = process.env["SWITCHYARD_EQUIVALENCE_SEED"];

const providers = ["internal", "file", "etcd"];
const precedence = ["file", "etcd"];

function idOf(key: ResourceKey): string {
  const object = objectKeyOf(key);
  assert.ok(object);
  return objectId(object);
}

/** What one edit leaves in a source. */
interface Written {
  readonly provider: string;
  readonly change: SourceChange;
  readonly mistake: boolean;
}

function written(edit: Extract<Edit, { kind: "set" | "delete" }>): Written {
  const { provider, key } = edit;
  if (edit.kind === "delete") {
    return { provider, change: { key, object: undefined }, mistake: false };
  }
  const source = { provider, location: "source" };
  const problem: Diagnostic = { severity: "error", code: "invalid-value", message: "bad", source };
  const problems = edit.config === undefined ? [problem] : [];
  const object: SourceObject = { source, config: edit.config, problems };
  return { provider, change: { key, object }, mistake: edit.mistake };
}

/** The stages under test, and what they have published. */
class Pipeline {
  readonly resources = new Map<string, Resource>();
  readonly said = new Map<string, readonly Diagnostic[]>();
  #watcher = this.#start([]);

  #start(published: readonly Resource[]): ConfigurationWatcher {
    const compiler = new SnapshotCompiler({ precedence });
    const watcher = new ConfigurationWatcher({
      providers,
      onBatch: ({ changes }) => this.#apply(compiler, changes),
      onProblems: () => {},
    });
    compiler.carryOver({ upserts: published, removals: [] });
    watcher.carryOver({ upserts: published, removals: [] });
    return watcher;
  }

  #apply(compiler: SnapshotCompiler, changes: readonly WatchedChange[]): void {
    const { delta, diagnostics } = compiler.apply(changes);
    for (const key of delta.removals) assert.ok(this.resources.delete(idOf(key)), "removed twice");
    for (const resource of delta.upserts) {
      const before = this.resources.get(idOf(resource));
      assert.ok(before === undefined || Buffer.compare(before.hash, resource.hash) !== 0);
      this.resources.set(idOf(resource), resource);
    }
    for (const { key, diagnostics: now } of diagnostics) {
      if (now.length === 0) assert.ok(this.said.delete(objectId(key)), "nothing to take back");
      else this.said.set(objectId(key), now);
    }
  }

  feed(provider: string, changes: readonly SourceChange[]): void {
    this.#watcher.accept({ provider, event: { kind: "changes", changes } });
  }

  complete(): void {
    for (const provider of providers) {
      this.#watcher.accept({ provider, event: { kind: "complete" } });
    }
  }

  restart(): void {
    this.said.clear();
    this.#watcher = this.#start([...this.resources.values()]);
  }

  hashes(): Map<string, string> {
    return new Map(
      [...this.resources].map(([id, { hash }]) => [id, Buffer.from(hash).toString("hex")]),
    );
  }
}

interface ModelObject {
  readonly written: Written;
  readonly key: ObjectKey;
  lastGood: DynamicObject | undefined;
}

/** The configuration as an operator would describe it: what is written, and what was last good. */
class Model {
  readonly objects = new Map<string, ModelObject>();

  take(one: Written): void {
    const key = qualifiedKey(one.change.key, one.provider);
    const id = objectId(key);
    const { object } = one.change;
    if (object === undefined) this.objects.delete(id);
    else {
      const lastGood = one.mistake ? this.objects.get(id)?.lastGood : object.config;
      this.objects.set(id, { written: one, key, lastGood });
    }
  }

  /** After a restart only what was published is known of an object with a mistake. */
  restart(resources: ReadonlyMap<string, Resource>): void {
    for (const [id, object] of this.objects) {
      if (!object.written.mistake) continue;
      const published = resources.get(id);
      const body = published && decodeBody(published.payload);
      const { lastGood } = object;
      const isStandIn = body?.$case === "tlsOptions" && body.value.unusable;
      if (body === undefined || lastGood === undefined || isStandIn) object.lastGood = undefined;
      else if (body.$case === "httpRouter") {
        const { entryPoints, parents } = body.value;
        const place = parents.length > 0 ? { parentRefs: parents } : { entryPoints };
        object.lastGood = { ...lastGood, ...place } as DynamicObject;
      } else if (body.$case === "tcpRouter" || body.$case === "udpRouter") {
        object.lastGood = { ...lastGood, entryPoints: body.value.entryPoints } as DynamicObject;
      }
    }
  }

  good(): { readonly key: ObjectKey; readonly config: DynamicObject }[] {
    return [...this.objects.values()].flatMap(({ key, lastGood }) =>
      lastGood === undefined ? [] : [{ key, config: lastGood }],
    );
  }

  /** Edits that bring what has a mistake back to its last good content, or away when it never had one. */
  mendings(): Written[] {
    return [...this.objects.values()].flatMap(
      ({ written: { provider, change, mistake }, lastGood }) => {
        if (!mistake) return [];
        if (lastGood === undefined && hasStandIn(change.key)) return [];
        const source = { provider, location: "source" };
        const object = lastGood && { source, config: lastGood, problems: [] };
        return [{ provider, change: { key: change.key, object }, mistake: false }];
      },
    );
  }
}

/** Something is in its place while it was never good. */
function hasStandIn({ kind, name }: ObjectKey): boolean {
  return kind === "tlsOptions" && name === "default";
}

function run(sequence: readonly Edit[]): { pipeline: Pipeline; model: Model } {
  const pipeline = new Pipeline();
  const model = new Model();
  let waiting = new Map<string, Written>();
  const flush = () => {
    for (const provider of providers) {
      const ofProvider = [...waiting.values()].filter((one) => one.provider === provider);
      if (ofProvider.length > 0) {
        pipeline.feed(
          provider,
          ofProvider.map(({ change }) => change),
        );
      }
    }
    for (const one of waiting.values()) model.take(one);
    waiting = new Map();
  };
  pipeline.complete();
  for (const edit of sequence) {
    switch (edit.kind) {
      case "flush":
        flush();
        break;
      case "restart":
        // What waits was written while the control plane was down.
        for (const one of waiting.values()) model.take(one);
        waiting = new Map();
        model.restart(pipeline.resources);
        pipeline.restart();
        for (const { written: one } of model.objects.values()) {
          pipeline.feed(one.provider, [one.change]);
        }
        pipeline.complete();
        break;
      case "set":
      case "delete":
        waiting.set(objectId(qualifiedKey(edit.key, edit.provider)), written(edit));
        break;
    }
  }
  flush();
  return { pipeline, model };
}

function fromScratch(model: Model): Pipeline {
  const pipeline = new Pipeline();
  for (const { written: one, lastGood } of [...model.objects.values()].reverse()) {
    const { object, key } = one.change;
    if (object === undefined) continue;
    if (lastGood === undefined) {
      if (hasStandIn(key)) pipeline.feed(one.provider, [one.change]);
      continue;
    }
    const source = { ...object, config: lastGood, problems: [] };
    pipeline.feed(one.provider, [{ key: one.change.key, object: source }]);
  }
  pipeline.complete();
  return pipeline;
}

const byKey = (entries: Iterable<readonly [string, unknown]>) =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

test(`the incremental result equals the one from nothing, in ${runs} edit sequences`, () => {
  const seen = {
    ...{ published: 0, out: 0, mistakes: 0, restarts: 0 },
    ...{ children: 0, loops: 0, tls: 0, udp: 0, rivals: 0 },
  };
  fc.assert(
    fc.property(edits, (sequence) => {
      const { pipeline, model } = run(sequence);
      const expected = naiveCompile(model.good(), new Set(model.objects.keys()), precedence);
      assert.deepEqual(byKey(pipeline.hashes()), byKey(expected));
      const mendings = model.mendings();
      for (const one of mendings) {
        model.take(one);
        pipeline.feed(one.provider, [one.change]);
      }
      const scratch = fromScratch(model);
      assert.deepEqual(byKey(scratch.hashes()), byKey(expected));
      assert.deepEqual(byKey(pipeline.hashes()), byKey(expected));
      assert.deepEqual(byKey(pipeline.said), byKey(scratch.said));
      seen.published += expected.size;
      seen.out += model.objects.size - expected.size;
      seen.mistakes += Number(mendings.length > 0);
      const said = [...pipeline.said.values()].flat().map(({ code }) => code);
      seen.children += [...pipeline.resources.values()].filter(isChild).length;
      seen.loops += Number(said.includes("reference-loop"));
      seen.tls += Number(said.includes("tls-options-conflict"));
      seen.udp += [...pipeline.resources.keys()].filter((id) => id.startsWith("udpRouter:")).length;
      seen.rivals += Number(
        [...pipeline.said.values()].flat().some(({ message }) => message.includes("served there")),
      );
      seen.restarts += Number(sequence.some(({ kind }) => kind === "restart"));
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );
  // A generator that has lost its variety would prove nothing.
  assert.ok(Math.min(seen.published, seen.out) > runs, JSON.stringify(seen));
  assert.ok(Math.min(seen.mistakes, seen.restarts) > runs / 10, JSON.stringify(seen));
  const rare = Math.min(seen.children, seen.loops, seen.tls, seen.udp);
  assert.ok(rare > runs / 100, JSON.stringify(seen));
  if (runs >= 1_000) assert.ok(seen.rivals > runs / 1_000, JSON.stringify(seen));
});

function isChild({ payload }: Resource): boolean {
  const body = decodeBody(payload);
  return body?.$case === "httpRouter" && body.value.parents.length > 0;
}
