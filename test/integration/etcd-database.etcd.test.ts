import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EtcdDatabase } from "../../control-plane/etcd/etcd-database.ts";
import { TestEtcd } from "../support/etcd.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { until } from "../support/until.ts";
import { anonymous } from "../support/watched.ts";

const quotaBytes = 4 * 1024 * 1024;

function watching(etcd: TestEtcd, log: RecordingLog): EtcdDatabase {
  const access = { ...anonymous, endpoints: [etcd.endpoint] };
  const database = new EtcdDatabase({ etcd: access, log, intervalMs: 20 });
  database.start();
  return database;
}

describe("EtcdDatabase", { concurrency: true }, () => {
  test("says once that the quota is nearly reached, again when it is full, and when there is room", async () => {
    await using etcd = await TestEtcd.start({ flags: [`--quota-backend-bytes=${quotaBytes}`] });
    const log = new RecordingLog();
    await using database = watching(etcd, log);
    await until("a first reading", () => database.status !== undefined);
    assert.equal(database.status?.quotaBytes, quotaBytes);
    assert.deepEqual(
      [database.status.isQuotaAssumed, database.status.isNearlyFull, database.status.alarms],
      [false, false, []],
    );
    assert.deepEqual(log.lines, []);

    const value = "x".repeat(100_000);
    let written = 0;
    const fill = async () => {
      for (;;) {
        await etcd.write({ [`fill/${written % 3}`]: value });
        written += 1;
      }
    };
    await assert.rejects(fill(), /database space exceeded/);
    await until("the alarm", () => database.status?.alarms.some((one) => one.includes("NOSPACE")));
    await until("both lines", () => log.lines.length === 2);
    assert.deepEqual(new Set(log.lines.map(({ level }) => level)), new Set(["warn", "error"]));

    await etcd.compact();
    await etcd.ctl("defrag");
    await etcd.ctl("alarm", "disarm");
    await until("room", () => database.status?.isNearlyFull === false);
    await until("no alarm", () => database.status?.alarms.length === 0);
    const told = log.lines.filter(({ level }) => level !== "debug");
    assert.equal(told.length, 3);
    assert.deepEqual(
      new Set(told.map(({ message }) => message)),
      new Set([
        "etcd's database has room again",
        "etcd's database is full: nothing can be written until it is compacted, defragmented and disarmed",
        "etcd's database is nearly full: compact and defragment it, or raise its quota",
      ]),
    );
  });

  test("stops at once while etcd says nothing", async () => {
    await using etcd = await TestEtcd.start();
    etcd.pause();
    const database = watching(etcd, new RecordingLog());
    const stoppedAtMs = performance.now();
    await database[Symbol.asyncDispose]();
    assert.ok(performance.now() - stoppedAtMs < 2_000);
    etcd.resume();
  });
});
