import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpDigest } from "../../test/support/dump-digest.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { KnownPairs } from "./known-pairs.ts";

function set(pairs: KnownPairs, key: string, value: string | undefined): void {
  const edit = pairs.compare(
    Buffer.from(key),
    value === undefined ? undefined : Buffer.from(value),
  );
  if (edit !== undefined) pairs.apply(edit);
}

const hex = (pairs: KnownPairs) => Buffer.from(pairs.digest()).toString("hex");

test("KnownPairs has after any sequence of edits the digest of a dump", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const pairs = new KnownPairs();
    const dump = new Map<string, string>();
    for (let step = 0; step < 300; step++) {
      const key = `traefik/${random.below(40)}`;
      if (random.chance(0.3)) {
        set(pairs, key, undefined);
        dump.delete(key);
      } else {
        const value = `${random.below(4)}`;
        set(pairs, key, value);
        dump.set(key, value);
      }
      if (step % 50 === 0) assert.equal(hex(pairs), dumpDigest(dump), `seed ${seed}`);
    }
    assert.equal(hex(pairs), dumpDigest(dump), `seed ${seed}`);
    assert.equal(pairs.size, dump.size);
  }
});

test("KnownPairs tells what differs, and nothing for what does not", () => {
  const pairs = new KnownPairs();
  const compare = (value: string | undefined) =>
    pairs.compare(Buffer.from("k"), value === undefined ? undefined : Buffer.from(value))?.change;
  assert.deepEqual(compare("1"), { key: "k", value: "1" });
  assert.equal(compare(undefined), undefined);
  set(pairs, "k", "1");
  assert.equal(compare("1"), undefined);
  assert.deepEqual(compare("2"), { key: "k", value: "2" });
  assert.deepEqual(compare(undefined), { key: "k", value: undefined });
});

test("KnownPairs finds by a pass what a list has not shown", async () => {
  const pairs = new KnownPairs();
  for (const key of ["shown", "gone", "changed"]) set(pairs, key, "1");
  pairs.beginPass();
  pairs.see(Buffer.from("shown"));
  set(pairs, "changed", "2"); // by the watch, meanwhile
  set(pairs, "new", "1");
  const unseen = await Array.fromAsync(pairs.unseen());
  assert.deepEqual(
    unseen.map(({ change }) => change),
    [{ key: "gone", value: undefined }],
  );
});

test("KnownPairs counts keys and values that are no text in the digest, and keeps them apart", () => {
  const pairs = new KnownPairs();
  const dump: [Buffer, Buffer][] = [
    [Buffer.from([0x6b, 0xff]), Buffer.from("1")],
    [Buffer.from([0x6b, 0xfe]), Buffer.from("1")],
    [Buffer.from("k\ufffd"), Buffer.from([0xff])],
  ];
  for (const [key, value] of dump) {
    const edit = pairs.compare(key, value);
    assert.ok(edit);
    pairs.apply(edit);
    assert.equal(edit.change?.key, key === dump[2]?.[0] ? "k\ufffd" : undefined);
  }
  assert.equal(hex(pairs), dumpDigest(dump));
  assert.ok(pairs.compare(Buffer.from("k\ufffd"), Buffer.from([0xfe])), "another byte, same text");
});

test("KnownPairs gives the digest of the worked example in docs/protocol.md", () => {
  const pairs = new KnownPairs();
  set(pairs, "traefik/http/routers/a/rule", "Host(`a.test`)");
  assert.equal(hex(pairs), "040880963ee14fc8a3d0beec449ab41321323249d70e4c9a7af0580244e7913c");
});
