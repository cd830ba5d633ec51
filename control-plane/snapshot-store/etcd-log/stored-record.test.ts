import assert from "node:assert/strict";
import { test } from "node:test";
import { resource } from "../../../test/contract/snapshot-store.contract.ts";
import { encodeRecord, RecordReading } from "./stored-record.ts";

const header = { epoch: 1n, number: 7n, digest: Buffer.alloc(32, 7), commitId: "commit" };
const removal = { kind: resource("", "").kind, name: "gone" };

function read(values: readonly Buffer[]) {
  const reading = new RecordReading();
  const changes = values.flatMap((value) => reading.add(value) ?? []);
  return { reading, changes };
}

test("encodeRecord() gives values that etcd takes, and RecordReading reads them back", () => {
  const small = Array.from({ length: 2_000 }, (_, i) => resource(`r${i}`, `${i}`, 500));
  // Larger than a value may be, alone among small ones.
  const upserts = [...small, resource("large", "x", 1_300_000), resource("last", "y")];
  const values = [...encodeRecord(header, { upserts, removals: [removal] })];
  for (const { length } of values) assert.ok(length <= 512 * 1024 + 1);
  const { reading, changes } = read(values);
  assert.ok(reading.isWhole);
  assert.deepEqual({ ...reading.header, digest: header.digest }, { ...header, parts: 5 });
  const names = changes.flatMap((change) => change.upserts.map(({ name }) => name));
  assert.deepEqual(
    names,
    upserts.map(({ name }) => name),
  );
  assert.deepEqual(
    changes.flatMap(({ removals }) => removals).map(({ name }) => name),
    ["gone"],
  );
});

test("a record without changes is one value", () => {
  const values = [...encodeRecord(header, { upserts: [], removals: [] })];
  assert.equal(values.length, 1);
  const { reading } = read(values);
  assert.ok(reading.isWhole);
  assert.equal(reading.header?.number, 7n);
});

test("RecordReading tells a record by half, and ignores what another attempt left behind", () => {
  const upserts = Array.from({ length: 3_000 }, (_, i) => resource(`r${i}`, `${i}`, 500));
  const values = [...encodeRecord(header, { upserts, removals: [] })];
  assert.ok(values.length > 2);
  assert.ok(!read(values.slice(0, -1)).reading.isWhole);
  const { reading, changes } = read([...values, Buffer.from("left over")]);
  assert.ok(reading.isWhole);
  assert.equal(changes.length, values.length);
});

test("RecordReading reads a header of the first format", () => {
  const json = JSON.stringify({
    epoch: "1",
    number: "7",
    digest: "07".repeat(32),
    commitId: "commit",
    parts: 1,
  });
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  const { reading } = read([Buffer.concat([Buffer.of(0), length, Buffer.from(json)])]);
  assert.deepEqual({ ...reading.header }, { ...header, parts: 1 });
});
