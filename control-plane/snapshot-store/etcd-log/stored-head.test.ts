import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHead, encodeHead, type StoredHead } from "./stored-head.ts";

const digest = Buffer.alloc(32, 0xab);
const head: StoredHead = {
  fleetId: "f1",
  epoch: 2n,
  number: 2n ** 60n,
  digest,
  commitId: "c",
  base: { place: "base", number: 5n, bytes: 9 },
  deltaBytes: 3,
  sources: new Map([
    ["etcd", { digest, revision: 7n }],
    ["file", { digest }],
  ]),
};

test("decodeHead() reads what encodeHead() wrote, in less than 400 bytes", () => {
  const value = encodeHead(head);
  assert.deepEqual(decodeHead(value), head);
  assert.ok(value.length < 400, `${value.length} bytes`);
  const { base: _, ...bare } = { ...head, sources: new Map() };
  assert.deepEqual(decodeHead(encodeHead({ ...bare, base: undefined })).sources, new Map());
});

test("decodeHead() reads a head of the first format, and none of a later one", () => {
  const hex = "ab".repeat(32);
  const first = {
    version: 1,
    epoch: "2",
    number: (2n ** 60n).toString(),
    digest: hex,
    base: { place: "base", number: "5", bytes: 9 },
    sources: { etcd: { digest: hex, revision: "7" }, file: { digest: hex } },
    fleetId: "f1",
    commitId: "c",
    deltaBytes: 3,
  };
  assert.deepEqual(decodeHead(Buffer.from(JSON.stringify(first))), head);
  assert.throws(() => decodeHead(Buffer.from(JSON.stringify({ ...first, version: 3 }))), {
    message: "Cannot read the snapshot store: its format is 3, known is 2",
  });
});
