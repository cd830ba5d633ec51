import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { resourceOf, routerResource } from "../../test/support/resources.ts";
import { KeyedSnapshot } from "./keyed-snapshot.ts";
import type { Resource } from "./resource.ts";
import type { SnapshotDelta } from "./snapshot-delta.ts";

/** The specification of docs/protocol.md, word by word, with nothing kept between calls. */
function specifiedDigest(resources: Iterable<Resource>): string {
  const buckets: Buffer[][] = Array.from({ length: 4096 }, () => []);
  for (const { kind, name, hash } of resources) {
    const kindBytes = Buffer.alloc(2);
    kindBytes.writeUInt16BE(kind);
    const nameBytes = Buffer.from(name, "utf8");
    const lengthBytes = Buffer.alloc(4);
    lengthBytes.writeUInt32BE(nameBytes.length);
    const bucket = Number.parseInt(sha256(kindBytes, nameBytes).toString("hex").slice(0, 3), 16);
    buckets[bucket]!.push(sha256(kindBytes, lengthBytes, nameBytes, hash));
  }
  const hashes = buckets.map((leaves) => sha256(...leaves.sort(Buffer.compare)));
  return sha256(...hashes).toString("hex");
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Deltas over few names, so that they collide; keys unique inside a delta. */
const deltas = fc.array(
  fc
    .uniqueArray(
      fc.record({
        name: fc.constantFrom("a", "b@etcd", "ü@file", "__proto__", "", "a:b"),
        kind: fc.constantFrom(ResourceKind.HTTP_ROUTER, ResourceKind.HTTP_SERVICE),
        version: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
      }),
      { selector: ({ name, kind }) => `${kind}:${name}` },
    )
    .map(
      (changes): SnapshotDelta => ({
        upserts: changes.flatMap(({ name, kind, version }) =>
          version === undefined ? [] : [resourceOf(kind, name, Buffer.from(`v${version}`))],
        ),
        removals: changes.filter(({ version }) => version === undefined),
      }),
    ),
  { maxLength: 8 },
);

test("KeyedSnapshot.digest() after any deltas is the specified digest of what it holds", () => {
  fc.assert(
    fc.property(deltas, (sequence) => {
      const snapshot = new KeyedSnapshot();
      for (const delta of sequence) {
        snapshot.apply(delta);
        assert.equal(hex(snapshot.digest()), specifiedDigest(snapshot.resources()));
      }
    }),
    { numRuns: 25 },
  );
});

test("KeyedSnapshot.undo() restores resources and digest", () => {
  fc.assert(
    fc.property(deltas, deltas, (sequence, undone) => {
      const snapshot = new KeyedSnapshot();
      for (const delta of sequence) snapshot.apply(delta);
      const [before, digest] = [byId(snapshot), hex(snapshot.digest())];
      for (const log of undone.map((delta) => snapshot.apply(delta)).reverse()) snapshot.undo(log);
      assert.deepEqual(byId(snapshot), before);
      assert.equal(hex(snapshot.digest()), digest);
    }),
    { numRuns: 200 },
  );
});

function byId(snapshot: KeyedSnapshot): Map<string, Resource> {
  const pairs = [...snapshot.resources()].map((resource) => [
    `${resource.kind}:${resource.name}`,
    resource,
  ]);
  return new Map((pairs as [string, Resource][]).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("KeyedSnapshot.digest() does not depend on the order of changes", () => {
  const resources = Array.from({ length: 10_000 }, (_, index) => routerResource(`r${index}@etcd`));
  const forwards = new KeyedSnapshot();
  forwards.apply({ upserts: resources, removals: [] });
  const backwards = new KeyedSnapshot();
  backwards.apply({ upserts: resources.toReversed(), removals: [] });
  assert.equal(hex(forwards.digest()), hex(backwards.digest()));
  assert.equal(hex(forwards.digest()), specifiedDigest(resources));
});

test("KeyedSnapshot.digest() tells kinds and the border between name and hash apart", () => {
  const digestOf = (resource: Resource) => {
    const snapshot = new KeyedSnapshot();
    snapshot.apply({ upserts: [resource], removals: [] });
    return hex(snapshot.digest());
  };
  const router = routerResource("a@etcd");
  assert.notEqual(digestOf(router), digestOf({ ...router, kind: ResourceKind.HTTP_SERVICE }));
  assert.notEqual(digestOf(router), digestOf({ ...router, name: "b@etcd" }));
  assert.notEqual(digestOf(router), digestOf(routerResource("a@etcd", 1)));
});

test("KeyedSnapshot.apply() of a removal of what is not there changes nothing", () => {
  const snapshot = new KeyedSnapshot();
  const digest = snapshot.digest();
  const removal = { kind: ResourceKind.HTTP_ROUTER, name: "gone@etcd" };
  assert.deepEqual(snapshot.apply({ upserts: [], removals: [removal] }), []);
  assert.equal(snapshot.digest(), digest);
});

test("the worked example of docs/protocol.md is right", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
  const value = (label: string) => {
    const found = new RegExp(`^\\s*${label}\\s+([0-9a-f]+|"[^"]*")`, "m").exec(text)?.[1];
    assert.ok(found, `docs/protocol.md must give ${label}`);
    return found.replaceAll('"', "");
  };
  const resource: Resource = {
    kind: Number(value("kind")) as ResourceKind,
    name: value("name"),
    hash: sha256(Buffer.from(value("payload"), "hex")),
    payload: Buffer.from(value("payload"), "hex"),
  };
  assert.equal(hex(resource.hash), value("hash"));
  const snapshot = new KeyedSnapshot();
  assert.equal(hex(snapshot.digest()), value("digest of nothing"));
  snapshot.apply({ upserts: [resource], removals: [] });
  assert.equal(hex(snapshot.digest()), value("digest"));
  assert.equal(specifiedDigest([resource]), value("digest"));
});
