import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeList } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { readChangeList } from "./read-change-list.ts";

test("readChangeList() reads what the generated codec writes", () => {
  const list: ChangeList = {
    upserts: [
      {
        kind: ResourceKind.HTTP_ROUTER,
        name: "größe@file",
        hash: Buffer.of(1, 2, 3),
        payload: Buffer.alloc(300, 7),
      },
      {
        kind: ResourceKind.ENTRY_POINT,
        name: "",
        hash: Buffer.alloc(0),
        payload: Buffer.alloc(0),
      },
    ],
    removals: [{ kind: ResourceKind.TCP_SERVICE, name: "gone@etcd" }],
  };
  const read = readChangeList(ChangeList.encode(list).finish());
  assert.deepEqual(
    read.upserts.map(({ kind, name, hash, payload }) => ({
      kind,
      name,
      hash: Buffer.from(hash),
      payload: Buffer.from(payload),
    })),
    list.upserts,
  );
  assert.deepEqual(
    read.removals.map(({ kind, name }) => ({ kind, name })),
    list.removals,
  );
});

test("readChangeList() skips fields of a newer version", () => {
  const known = ChangeList.encode({
    upserts: [],
    removals: [{ kind: ResourceKind.HTTP_ROUTER, name: "r" }],
  }).finish();
  const bytes = Buffer.concat([Buffer.of(0x3a, 2, 9, 9), known, Buffer.of(0x40, 5)]);
  assert.deepEqual(
    readChangeList(bytes).removals.map(({ name }) => name),
    ["r"],
  );
});

test("readChangeList() refuses bytes that end too early", () => {
  const bytes = ChangeList.encode({
    upserts: [],
    removals: [{ kind: ResourceKind.HTTP_ROUTER, name: "router" }],
  }).finish();
  for (let length = 1; length < bytes.length; length += 1) {
    assert.throws(() => readChangeList(bytes.subarray(0, length)), `of ${length} bytes`);
  }
});
