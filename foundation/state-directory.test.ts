import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { StateDirectory } from "./state-directory.ts";

const flag = "--state-dir";

async function temporary() {
  const root = await mkdtemp(join(tmpdir(), "state-directory-"));
  return {
    path: join(root, "nested", "state"),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test("StateDirectory is made for its user only, and keeps small texts", async () => {
  await using at = await temporary();
  await using directory = await StateDirectory.open({ path: at.path, flag });
  assert.equal((await stat(at.path)).mode & 0o777, 0o700);
  assert.equal(await directory.read("node-id"), undefined);
  await directory.write("node-id", "one");
  await directory.write("node-id", "two");
  assert.equal(await directory.read("node-id"), "two");
  assert.equal((await stat(join(at.path, "node-id"))).mode & 0o777, 0o600);
});

test("StateDirectory in use is refused, naming the process and the flag, until it is released", async () => {
  await using at = await temporary();
  const first = await StateDirectory.open({ path: at.path, flag });
  await assert.rejects(StateDirectory.open({ path: at.path, flag }), (error: Error) => {
    assert.equal(error.name, "StateDirectoryInUseError");
    assert.equal(
      error.message,
      `State directory ${at.path} is in use by pid ${process.pid}; choose another with --state-dir`,
    );
    return true;
  });
  await first.release();
  await using second = await StateDirectory.open({ path: at.path, flag });
  assert.deepEqual(await readdir(second.path), ["lock"]);
});

test("StateDirectory held by another process is refused to this one", async () => {
  await using at = await temporary();
  const script = `
    import { StateDirectory } from ${JSON.stringify(join(import.meta.dirname, "state-directory.ts"))};
    await StateDirectory.open({ path: ${JSON.stringify(at.path)}, flag: "--x" }).then(
      () => console.log("opened"), (error) => console.log(error.message));`;
  await using _held = await StateDirectory.open({ path: at.path, flag });
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  assert.equal(
    stdout.trim(),
    `State directory ${at.path} is in use by pid ${process.pid}; choose another with --x`,
  );
});

test("StateDirectory takes over what a killed process left", async () => {
  await using at = await temporary();
  const script = `
    import { StateDirectory } from ${JSON.stringify(join(import.meta.dirname, "state-directory.ts"))};
    await StateDirectory.open({ path: ${JSON.stringify(at.path)}, flag: "--x" });
    process.kill(process.pid, "SIGKILL");`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
  assert.equal(signal, "SIGKILL");
  assert.ok((await readdir(at.path)).includes("lock"));
  await using directory = await StateDirectory.open({ path: at.path, flag });
  assert.deepEqual(await readdir(directory.path), ["lock"]);
});

test("StateDirectory takes over a lock of a process number that is another process now, and a torn one", async () => {
  await using at = await temporary();
  await (await StateDirectory.open({ path: at.path, flag })).release();
  for (const left of [JSON.stringify({ pid: 1, startedAt: "1234567890123" }), '{"pid":'] as const) {
    await writeFile(join(at.path, "lock"), left);
    await (await StateDirectory.open({ path: at.path, flag })).release();
  }
});

test("StateDirectory that cannot be made names the path and the flag", async () => {
  await assert.rejects(
    StateDirectory.open({ path: "/dev/null/state", flag }),
    /Cannot use state directory \/dev\/null\/state: ENOTDIR; choose another with --state-dir/,
  );
});
