import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import type { ProviderEvent } from "../provider/provider.ts";
import { MergedEvents } from "./merged-events.ts";

const keys: fc.Arbitrary<ObjectKey> = fc.record({
  kind: fc.constantFrom("httpRouter", "httpService"),
  name: fc.constantFrom("a", "b", "c"),
});

const events: fc.Arbitrary<ProviderEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .uniqueArray(fc.tuple(keys, fc.option(fc.nat(99))), {
        selector: ([key]) => objectId(key),
        minLength: 1,
        maxLength: 4,
      })
      .map((pairs) => ({
        kind: "changes" as const,
        changes: pairs.map(([key, version]) => {
          if (version === null) return { key, object: undefined };
          const source = { provider: "etcd", location: `version ${version}` };
          return { key, object: { source, config: undefined, problems: [] } };
        }),
      })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "problems" as const, problems: [] }) },
  { weight: 1, arbitrary: fc.constant({ kind: "unavailable" as const, reason: "x" }) },
);

/** What a reader of events knows: the newest of every object, removals included, and which marks it has seen. */
class Reader {
  readonly objects = new Map<string, string>();
  readonly marks = new Set<string>();
  readonly knownAtMark = new Map<string, ReadonlyMap<string, string>>();

  read(event: ProviderEvent): void {
    if (event.kind === "changes") {
      const ids = event.changes.map(({ key }) => objectId(key));
      assert.equal(new Set(ids).size, ids.length, "a key occurs twice");
      for (const { key, object } of event.changes) {
        this.objects.set(objectId(key), object?.source.location ?? "gone");
      }
      return;
    }
    this.marks.add(event.kind);
    this.knownAtMark.set(event.kind, new Map(this.objects));
  }
}

describe("MergedEvents", () => {
  test("loses nothing by merging, and keeps changes that came together together", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(events, fc.boolean())), (script) => {
        const merged = new MergedEvents();
        const [all, some] = [new Reader(), new Reader()];
        for (const [event, isTaken] of script) {
          merged.add(event);
          all.read(event);
          if (!isTaken) continue;
          for (const taken of merged.take()) some.read(taken);
          assert.deepEqual(some.objects, all.objects, "every taking is a consistent state");
          assert.ok(merged.isEmpty);
        }
        for (const taken of merged.take()) some.read(taken);
        assert.deepEqual(some.objects, all.objects);
        assert.deepEqual(some.marks, all.marks);
      }),
    );
  });

  test("never lets the completion mark out before a change it covers", () => {
    fc.assert(
      fc.property(fc.array(events), fc.array(events), (before, after) => {
        const merged = new MergedEvents();
        const covered = new Reader();
        for (const event of before) {
          merged.add(event);
          covered.read(event);
        }
        merged.add({ kind: "complete" });
        for (const event of after) merged.add(event);
        const reader = new Reader();
        for (const event of merged.take()) reader.read(event);
        const known = reader.knownAtMark.get("complete");
        assert.ok(known);
        for (const id of covered.objects.keys()) assert.ok(known.has(id), `${id} is not named`);
      }),
    );
  });

  test("forgets an outage that a completed reading ended", () => {
    const merged = new MergedEvents();
    merged.add({ kind: "unavailable", reason: "x" });
    merged.add({ kind: "complete" });
    assert.deepEqual(merged.take(), [{ kind: "complete" }]);
  });
});

test("MergedEvents keeps the newest state of the source, with what it covers or alone", () => {
  const merged = new MergedEvents();
  const source = (byte: number) => ({ digest: Uint8Array.of(byte), revision: BigInt(byte) });
  merged.add({ kind: "changes", changes: [], source: source(1) });
  assert.equal(merged.hasChanges, true);
  merged.add({ kind: "changes", changes: [], source: source(2) });
  merged.add({ kind: "changes", changes: [] });
  assert.deepEqual(merged.take(), [{ kind: "changes", changes: [], source: source(2) }]);
  assert.equal(merged.isEmpty, true);
  assert.deepEqual(merged.take(), []);
});
