import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChangeList } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { resourceOf, routerResource } from "../../test/support/resources.ts";
import { ChangeListParts, decodeChangeList } from "./change-list-codec.ts";
import type { ResourceKey } from "./resource.ts";
import type { SnapshotDelta } from "./snapshot-delta.ts";

const key: fc.Arbitrary<ResourceKey> = fc.record({
  name: fc.oneof(fc.string({ unit: "grapheme", maxLength: 300 }), fc.constant("__proto__")),
  kind: fc.constantFrom(ResourceKind.NODE_SETTINGS, ResourceKind.TLS_CERTIFICATE),
});
const delta: fc.Arbitrary<SnapshotDelta> = fc.record({
  upserts: fc.array(
    fc
      .tuple(key, fc.uint8Array({ maxLength: 400 }))
      .map(([{ kind, name }, payload]) => resourceOf(kind, name, payload)),
    { maxLength: 12 },
  ),
  removals: fc.array(key, { maxLength: 12 }),
});

function plain({ upserts, removals }: SnapshotDelta) {
  return {
    upserts: upserts.map((resource) => ({
      ...resource,
      hash: Buffer.from(resource.hash),
      payload: Buffer.from(resource.payload),
    })),
    removals: removals.map(({ kind, name }) => ({ kind, name })),
  };
}

test("ChangeListParts gives exactly the bytes of the generated codec", () => {
  fc.assert(
    fc.property(delta, (value) => {
      const parts = [...new ChangeListParts(value, 1 << 30)];
      const expected = Buffer.from(
        ChangeList.encode(ChangeList.fromPartial(plain(value))).finish(),
      );
      assert.deepEqual(Buffer.concat(parts), expected);
    }),
  );
});

test("decodeChangeList() of all parts gives the delta, whatever the part size", () => {
  fc.assert(
    fc.property(delta, fc.integer({ min: 1, max: 2_000 }), (value, partBytes) => {
      const decoded = [...new ChangeListParts(value, partBytes)].map(decodeChangeList);
      const joined = {
        upserts: decoded.flatMap(({ upserts }) => upserts),
        removals: decoded.flatMap(({ removals }) => removals),
      };
      assert.deepEqual(plain(joined), plain(value));
    }),
  );
});

test("ChangeListParts cuts between resources at the asked size", () => {
  const upserts = Array.from({ length: 10_000 }, (_, index) => routerResource(`r${index}@etcd`));
  const sizes = [...new ChangeListParts({ upserts, removals: [] })].map((part) => part.length);
  assert.ok(sizes.length > 3);
  for (const size of sizes.slice(0, -1)) assert.ok(size > 127 * 1024 && size <= 128 * 1024);
  const large = resourceOf(ResourceKind.TLS_CERTIFICATE, "large", Buffer.alloc(300_000));
  const around = { upserts: [routerResource("a"), large, routerResource("b")], removals: [] };
  assert.equal(new ChangeListParts(around).count, 3);
});

test("ChangeListParts of no change has no parts", () => {
  assert.equal(new ChangeListParts({ upserts: [], removals: [] }).count, 0);
});

test("decodeChangeList() refuses what is damaged", () => {
  const [part] = new ChangeListParts({ upserts: [routerResource("a@etcd")], removals: [] });
  const flipped = Buffer.from(part!);
  flipped[flipped.length - 1]! ^= 1; // inside the payload
  assert.throws(() => decodeChangeList(flipped), {
    name: "ChangeListError",
    message: 'Cannot use resource "a@etcd": its payload does not match its hash',
  });
  assert.throws(() => decodeChangeList(part!.subarray(0, -1)), {
    name: "ChangeListError",
    message: "Cannot read change list: it is not a valid message",
  });
  const noKind = ChangeList.encode({ upserts: [], removals: [{ kind: 0, name: "x" }] }).finish();
  assert.throws(() => decodeChangeList(noKind), /"x": 0 is no resource kind/);
});
