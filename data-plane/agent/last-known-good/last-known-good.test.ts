import assert from "node:assert/strict";
import { test } from "node:test";
import { CrashFileSystem, type CrashView } from "../../../test/support/crash-file-system.ts";
import { digestsUpTo, KeptNode } from "../../../test/support/kept-history.ts";
import { until } from "../../../test/support/until.ts";

const byName = (a: string, b: string) => (a < b ? -1 : 1);
const generations = 14;
const digests = digestsUpTo(generations + 4);
/** Small enough that the history writes several bases. */
const minLogBytes = 700;

/** Runs the history until the disk is cut; resolves to the last generation that was flushed. */
async function run(fileSystem: CrashFileSystem): Promise<number> {
  const node = new KeptNode({ fileSystem, minLogBytes }, digests);
  await node.boot();
  let flushed = 0;
  while (node.number < generations) {
    await node.advance();
    await node.lastKnownGood.flush();
    if (node.lastKnownGood.failure === undefined) flushed = node.number;
    else break;
  }
  await node.lastKnownGood.stop();
  return flushed;
}

test("LastKnownGood keeps two bases and what follows the older one", async () => {
  const fileSystem = new CrashFileSystem();
  assert.equal(await run(fileSystem), generations);
  const names = fileSystem.names().toSorted(byName);
  const bases = names.filter((name) => name.startsWith("base-"));
  assert.equal(bases.length, 2);
  const oldest = bases[0]?.slice("base-".length) ?? "";
  for (const name of names) assert.ok(name.slice(name.indexOf("-") + 1) >= oldest, names.join(" "));
  const node = new KeptNode({ fileSystem }, digests);
  assert.equal(await node.boot(), generations);
  assert.equal(node.digest, digests[generations]);
});

test("LastKnownGood cut at every step boots with the old state or the new, never none", async () => {
  const whole = new CrashFileSystem();
  await run(whole);
  const steps = whole.steps;
  assert.ok(steps > 60, `the history takes ${steps} steps`);
  const views: readonly CrashView[] = ["process", "power", "names first"];
  for (let cutAt = 0; cutAt <= steps; cutAt += 1) {
    const disk = new CrashFileSystem();
    disk.cutAt = cutAt;
    const flushed = await run(disk);
    for (const view of views) {
      const where = `cut at step ${cutAt}, ${view}`;
      const after = disk.afterCrash(view);
      const node = new KeptNode({ fileSystem: after, minLogBytes }, digests);
      const number = await node.boot();
      assert.ok(
        number >= flushed && number <= flushed + 1,
        `${where}: ${flushed} became ${number}`,
      );
      assert.equal(node.digest, digests[number], where);
      // What comes after the crash is kept as well, whatever it left behind.
      await node.advance();
      await node.lastKnownGood.stop();
      const later = new KeptNode({ fileSystem: after.afterCrash("power") }, digests);
      assert.equal(await later.boot(), number + 1, where);
      assert.equal(later.digest, digests[number + 1], where);
    }
  }
});

for (const [what, edit] of [
  [
    "a flipped bit",
    (content: Buffer) => {
      const at = content.length >> 1;
      content[at] = (content[at] ?? 0) ^ 1;
      return content;
    },
  ],
  ["a cut-off end", (content: Buffer) => content.subarray(0, content.length - 20)],
  ["zero bytes", () => Buffer.alloc(0)],
  [
    "another format",
    (content: Buffer) =>
      Buffer.from(content.toString("latin1").replaceAll('"format":1', '"format":9'), "latin1"),
  ],
] as const) {
  test(`LastKnownGood falls back to the older base when the newest has ${what}, and says so`, async () => {
    const disk = new CrashFileSystem();
    await run(disk);
    const newest =
      disk
        .names()
        .filter((name) => name.startsWith("base-"))
        .toSorted(byName)
        .at(-1) ?? "";
    disk.corrupt(newest, edit);
    const errors: string[] = [];
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (message: string) => void errors.push(message),
    };
    const node = new KeptNode({ fileSystem: disk, log }, digests);
    const number = await node.boot();
    assert.ok(number > 0 && number < generations);
    assert.equal(node.digest, digests[number]);
    assert.deepEqual(errors, ["last-known-good is damaged, trying an older one"]);
    await node.lastKnownGood.stop();
    assert.ok(!disk.names().includes(newest), "the damaged base is gone once there is another");
    assert.equal(await new KeptNode({ fileSystem: disk }, digests).boot(), number);
  });
}

test("LastKnownGood ends a log at a damaged delta", async () => {
  const disk = new CrashFileSystem();
  const node = new KeptNode({ fileSystem: disk }, digests);
  await node.boot();
  for (let number = 1; number <= 6; number += 1) {
    await node.advance();
    await node.lastKnownGood.flush();
  }
  await node.lastKnownGood.stop();
  const log = disk.names().find((name) => name.startsWith("log-")) ?? "";
  disk.corrupt(log, (content) => {
    const at = (content.length / 5) * 3 - 10;
    content[Math.trunc(at)] = 0xff;
    return content;
  });
  const later = new KeptNode({ fileSystem: disk }, digests);
  const number = await later.boot();
  assert.ok(number >= 2 && number <= 4, `booted with ${number}`);
  assert.equal(later.digest, digests[number]);
});

for (const code of ["ENOSPC", "EROFS", "EIO"] as const) {
  test(`LastKnownGood reports ${code} once, goes on, and writes everything once the disk works again`, async () => {
    const disk = new CrashFileSystem();
    const changes: number[] = [];
    const node = new KeptNode(
      { fileSystem: disk, onFailureChange: () => changes.push(1) },
      digests,
    );
    await node.boot();
    await node.advance();
    await node.lastKnownGood.flush();
    disk.failWith = (step) =>
      step === "write" ? Object.assign(new Error(code), { code }) : undefined;
    for (let round = 0; round < 3; round += 1) {
      await node.advance();
      await node.lastKnownGood.flush();
    }
    assert.equal(node.lastKnownGood.failure, code);
    assert.equal(node.lastKnownGood.failures, 3);
    assert.equal(changes.length, 1);
    disk.failWith = undefined;
    await node.lastKnownGood.flush();
    assert.equal(node.lastKnownGood.failure, undefined);
    assert.equal(changes.length, 2);
    assert.ok(!disk.names().some((name) => name.endsWith(".tmp")));
    await node.lastKnownGood.stop();
    const later = new KeptNode({ fileSystem: disk }, digests);
    assert.equal(await later.boot(), 4);
    assert.equal(later.digest, digests[4]);
  });
}

test("LastKnownGood knows when the state was last confirmed, though nothing changed since", async () => {
  const disk = new CrashFileSystem();
  const node = new KeptNode({ fileSystem: disk, confirmationIntervalMs: 0 }, digests);
  await node.boot();
  await node.advance();
  await node.lastKnownGood.flush();
  const written = (await new KeptNode({ fileSystem: disk }, digests).lastKnownGood.load())
    ?.writtenAtMs;
  await until("the clock to move", () => Date.now() > (written ?? Number.NaN));
  node.lastKnownGood.confirm(node.state.running!);
  await node.lastKnownGood.stop();
  const later = await new KeptNode({ fileSystem: disk }, digests).lastKnownGood.load();
  assert.ok((later?.writtenAtMs ?? 0) > (written ?? Number.NaN));
  assert.equal(later?.generation.number, 1n);
});
