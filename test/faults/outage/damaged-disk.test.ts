/** Last-known-good that is damaged, and disks that take nothing. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { faultTest } from "../support/fault-test.ts";
import { within } from "../support/within.ts";
import { killed, metric, OutageWorld, page } from "./outage-world.ts";

const run = promisify(execFile);

const damages: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  "a flipped bit": (content) => {
    const at = content.length >> 1;
    content[at] = (content[at] ?? 0) ^ 1;
    return content;
  },
  "a cut-off end": (content) => content.subarray(0, content.length - 20),
  "zero bytes": () => Buffer.alloc(0),
  "another schema": (content) => {
    const text = content.toString("latin1").replaceAll('"format":1', '"format":9');
    return Buffer.from(text, "latin1");
  },
};

faultTest({
  id: "O3",
  title:
    "the newest last-known-good damaged in every way: the one before serves, with an alarm, and nothing crashes",
  guard: "the second base",
  run: async ({ context, size, guarded }) => {
    await using world = await OutageWorld.start();
    const routers = size === "full" ? 20_000 : 2_500;
    await world.writeFile("a", routers, "first");
    const controlPlane = world.controlPlane();
    const node = world.dataPlane(guarded ? {} : { tuning: { lastKnownGood: { bases: 1 } } });
    await world.serves("a");
    const kept = join(world.directory, "data-plane");
    await within(20_000, "a base", async () => (await bases(kept)).length === 1);
    // So much changes that it is written as another base.
    const [firstBase] = await bases(kept);
    await world.writeFile("a", routers, "x".repeat(200));
    await within(20_000, "a newer base", async () => (await bases(kept)).at(-1) !== firstBase);
    node.kill("SIGTERM");
    await node.exited;
    await killed(controlPlane);
    for (const [what, damage] of Object.entries(damages)) {
      const stateDir = what.replaceAll(" ", "-");
      const copy = join(world.directory, stateDir);
      await cp(kept, copy, { recursive: true });
      const newest = join(copy, (await bases(copy)).at(-1) ?? "");
      await writeFile(newest, damage(await readFile(newest)));
      const again = world.dataPlane({ stateDir });
      await world.serves("a", 5_000);
      const alarm = again.lines.find(({ msg }) => /last-known-good is damaged/.test(msg));
      assert.equal(alarm?.level, 50, what);
      assert.equal((await page(again, "/snapshot"))["source"], "cache");
      context.diagnostic(
        `${what}: served after ${(performance.now() - again.startedAtMs).toFixed(0)} ms`,
      );
      await killed(again);
    }
  },
});

faultTest({
  id: "O4",
  title:
    "a full disk: changes are served, persist_failed is reported, and all is kept once there is room",
  guard: "trying a failed write again",
  run: async ({ context, guarded }) => {
    await using world = await OutageWorld.start();
    const disk = join(world.directory, "small-disk");
    await mkdir(disk);
    try {
      await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    } catch {
      context.skip("this user may not mount a small disk");
      return;
    }
    world.defer(async () => void (await run("umount", ["-l", disk])));
    await world.writeFile("a", 10);
    const controlPlane = world.controlPlane();
    const node = world.dataPlane({
      stateDir: "small-disk",
      ...(!guarded && { tuning: { lastKnownGood: { retries: false } } }),
    });
    await world.serves("a");
    await within(10_000, "a base on disk", async () => (await bases(disk)).length === 1);
    const prober = world.prober();
    await fill(join(disk, "filler"));
    await world.writeFile("b", 500, "x".repeat(200));
    await world.serves("b");
    await within(5_000, "persist_failed in the log", () => {
      return node.lines.some(({ msg }) => msg.includes("persist_failed"));
    });
    assert.ok((await metric(node, "switchyard_persist_failures_total")) > 0);
    await rm(join(disk, "filler"));
    await within(10_000, "the state on disk again", () => {
      return node.lines.some(({ msg }) => msg === "last-known-good is written again");
    });
    await prober.stop();
    assert.deepEqual(prober.errors, []);
    await killed(controlPlane);
    await killed(node);
    const again = world.dataPlane({ stateDir: "small-disk" });
    await world.serves("b", 5_000);
    assert.equal((await page(again, "/snapshot"))["source"], "cache");
    context.diagnostic(`${prober.answers.length} requests while the disk was full, no error`);
  },
});

async function bases(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => /^base-\d+$/.test(name)).toSorted((a, b) => (a < b ? -1 : 1));
}

/** Until the disk takes no byte more. */
async function fill(file: string): Promise<void> {
  for (let bytes = 512 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      for (;;) await writeFile(file, Buffer.alloc(bytes), { flag: "a" });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
}
