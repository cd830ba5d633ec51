import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  digestOf,
  openStore,
  resource,
  StateReader,
  upsert,
} from "../../test/contract/snapshot-store.contract.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { openLocalDatabase } from "./local-database.ts";
import { LocalSnapshotStore } from "./local-snapshot-store.ts";

function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-local-"));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const storeAt = (file: string) => new LocalSnapshotStore({ file, log: silentLog });
const never = new AbortController().signal;

test("LocalSnapshotStore keeps every file readable by its owner only", async () => {
  using place = temporaryFolder();
  const store = storeAt(join(place.folder, "state", "store.sqlite"));
  await openStore(store, new StateReader());
  await store.commit(upsert(resource("a", "1")), digestOf("1"));
  const state = join(place.folder, "state");
  assert.equal(statSync(state).mode & 0o777, 0o700);
  for (const file of readdirSync(state)) {
    assert.equal(statSync(join(state, file)).mode & 0o777, 0o600, file);
  }
  await store.stop();
});

test("LocalSnapshotStore refuses a file another store uses, and opens it once that one has stopped", async () => {
  using place = temporaryFolder();
  const file = join(place.folder, "store.sqlite");
  const first = storeAt(file);
  await openStore(first, new StateReader());
  await assert.rejects(storeAt(file).open(new StateReader(), never), {
    message: `Cannot open snapshot store ${file}: another process uses it`,
  });
  await first.stop();
  const second = storeAt(file);
  await openStore(second, new StateReader());
  await second.stop();
});

test("LocalSnapshotStore says what is wrong with a file it cannot use", async () => {
  using place = temporaryFolder();
  const damaged = join(place.folder, "damaged.sqlite");
  writeFileSync(damaged, "not a database at all, and longer than a header would be".repeat(20));
  await assert.rejects(storeAt(damaged).open(new StateReader(), never), {
    message: `Cannot open snapshot store ${damaged}: the file is damaged (it is not a database)`,
  });
  const newer = join(place.folder, "newer.sqlite");
  const database = openLocalDatabase(newer);
  database.exec("PRAGMA user_version = 7");
  database.close();
  await assert.rejects(storeAt(newer).open(new StateReader(), never), {
    message: `Cannot open snapshot store ${newer}: it was written by a newer version (schema 7, known 3)`,
  });
});

test("LocalSnapshotStore leaves the old generation when a commit fails half-way", async () => {
  using place = temporaryFolder();
  const file = join(place.folder, "store.sqlite");
  const store = storeAt(file);
  const reader = new StateReader();
  await openStore(store, reader);
  await store.commit(upsert(resource("a", "1")), digestOf("1"));
  const broken = { ...resource("b", "2"), hash: undefined as unknown as Uint8Array };
  await assert.rejects(store.commit(upsert(resource("a", "2"), broken), digestOf("2")), {
    name: "StoreUnavailableError",
  });
  assert.equal(reader.commits.length, 1);
  const next = await store.commit(upsert(resource("c", "3")), digestOf("3"));
  assert.equal(next.generation.number, 2n);
  await store.stop();
  const after = new StateReader();
  const reopened = storeAt(file);
  await openStore(reopened, after);
  assert.deepEqual([...after.state.values()], ["1", "3"]);
  await reopened.stop();
});

test("LocalSnapshotStore may be stopped while it is read or written: the commit under way is kept", async () => {
  using place = temporaryFolder();
  const file = join(place.folder, "store.sqlite");
  const store = storeAt(file);
  await openStore(store, new StateReader());
  const many = Array.from({ length: 5_000 }, (_, i) => resource(`r${i}`, "1", 1_000));
  const committing = store.commit(upsert(...many), digestOf("1"));
  await nextTurn(); // it has begun
  await store.stop();
  assert.equal((await committing).generation.number, 1n);

  const interrupted = storeAt(file);
  let parts = 0;
  const reader = new StateReader();
  reader.onPart = () => {
    parts += 1;
    void interrupted.stop();
  };
  await interrupted.open(reader, never);
  await interrupted.stop();
  assert.ok(parts < 10, `${parts} parts after the stop`);
  assert.equal(reader.head, undefined);
  const after = new StateReader();
  const reopened = storeAt(file);
  await openStore(reopened, after);
  assert.equal(after.state.size, 5_000);
  await reopened.stop();
});

/** Commits as fast as it can; prints each number it was told is committed. Each generation rewrites all ten resources. */
const committer = `
  const { LocalSnapshotStore } = await import(process.argv[1]);
  const { resource, digestOf, upsert, openStore, StateReader } = await import(process.argv[2]);
  const { silentLog } = await import(process.argv[3]);
  const { writeSync } = await import("node:fs");
  const store = new LocalSnapshotStore({ file: process.argv[4], log: silentLog });
  const reader = new StateReader();
  await openStore(store, reader);
  let number = reader.head.generation?.number ?? 0n;
  for (;;) {
    const text = String(number + 1n);
    const ten = Array.from({ length: 10 }, (_, i) => resource("r" + i, text));
    ({ generation: { number } } = await store.commit(upsert(...ten), digestOf(text)));
    writeSync(1, number + "\\n");
  }`;

test("LocalSnapshotStore survives kill -9 at any point: whole generations, none lost, none numbered twice", async () => {
  using place = temporaryFolder();
  const file = join(place.folder, "store.sqlite");
  const modules = [
    "./local-snapshot-store.ts",
    "../../test/contract/snapshot-store.contract.ts",
    "../../test/support/silent-log.ts",
  ].map((path) => new URL(path, import.meta.url).href);
  let reported = 0n;
  for (let round = 0; round < 6; round++) {
    const child = spawn(
      process.execPath,
      ["--input-type=module", "-e", committer, ...modules, file],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let [text, lines] = ["", 0];
    const killAfterLines = 5 + round * 7;
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk;
      lines += chunk.toString().split("\n").length - 1;
      if (lines >= killAfterLines) child.kill("SIGKILL");
    });
    await once(child, "close");
    const numbers = text.trim().split("\n").map(BigInt);
    assert.ok(
      (numbers[0] ?? 0n) > reported,
      "a number that was reported is never handed out again",
    );
    reported = numbers.at(-1) ?? 0n;

    const reader = new StateReader();
    const store = storeAt(file);
    await openStore(store, reader);
    const found = reader.head?.generation?.number ?? 0n;
    assert.ok(found >= reported, `${reported} was reported, ${found} found`);
    assert.deepEqual(
      new Set(reader.state.values()),
      new Set([String(found)]),
      "one whole generation",
    );
    assert.deepEqual(Buffer.from(reader.head?.digest ?? []), digestOf(String(found)));
    await store.stop();
  }
});
