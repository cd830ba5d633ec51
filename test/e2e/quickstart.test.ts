/** What the README's first command does, on free ports and on a copy of the example. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { get } from "../support/fleet.ts";
import { eventually, freePort, Program } from "../support/program.ts";

const example = join(import.meta.dirname, "../../examples/quickstart");

test("the quickstart routes, and editing routes.yml changes the answer while it runs", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-quickstart-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await cp(example, directory, { recursive: true });
  const ports = new Map<string, string>();
  for (const port of ["8000", "9001", "9002"]) ports.set(port, String(await freePort()));
  const rewrite = async (file: string, edit: (text: string) => string) => {
    const path = join(directory, file);
    await writeFile(path, edit(await readFile(path, "utf8")));
  };
  const freed = (text: string) =>
    text
      .replaceAll(/:(8000|9001|9002)\b/g, (_, port) => `:${ports.get(port)}`)
      .replace("examples/quickstart", directory);
  await rewrite("switchyard.yml", freed);
  await rewrite("routes.yml", freed);

  const backend = spawn(
    process.execPath,
    [join(example, "backend.ts"), `blue=${ports.get("9001")}`, `green=${ports.get("9002")}`],
    { stdio: "ignore" },
  );
  t.after(async () => {
    backend.kill();
    if (backend.exitCode === null && backend.signalCode === null) await once(backend, "exit");
  });
  await using program = new Program([
    "up",
    `--configFile=${join(directory, "switchyard.yml")}`,
    `--state-dir=${join(directory, "state")}`,
    "--admin=127.0.0.1:0",
  ]);
  const address = `127.0.0.1:${ports.get("8000")}`;
  await eventually(async () => {
    assert.match((await get(address)).body, /^Hello from blue\n/);
  });

  await rewrite("routes.yml", (text) => text.replace(/service: blue/, "service: green"));
  await eventually(async () => {
    assert.match((await get(address)).body, /^Hello from green\n/);
  });

  await rewrite("routes.yml", (text) => `${text}\n  nonsense: [`);
  const problem = await program.log(({ msg, level }) => level >= 40 && msg.includes("routes.yml"));
  assert.match(problem.msg, /routes\.yml:\d+:\d+/);
  assert.match((await get(address)).body, /^Hello from green\n/);

  program.kill("SIGTERM");
  assert.deepEqual(await program.exited, { code: 0, signal: null });
});
