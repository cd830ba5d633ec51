import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { dumpDigest } from "../../test/support/dump-digest.ts";
import { FileReader } from "./file-provider-reader.ts";

const text = "http: {routers: {a: {rule: Path(`/`), service: s}}}";

test("FileReader gives a file its whole grace each time it vanishes", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "file-reader-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.yml");
  let now = 0;
  const reader = new FileReader({
    config: { filename: undefined, directory: folder, watch: true },
    nowMs: () => now,
    missingGraceMs: 100,
  });
  const changesAt = (ms: number) => {
    now = ms;
    const { changes, lookAgainMs } = reader.read();
    const names = changes.map(
      ({ key, object }) => `${object === undefined ? "-" : "+"}${key.name}`,
    );
    return { names, lookAgainMs };
  };
  writeFileSync(path, text);
  assert.deepEqual(changesAt(0), { names: ["+a"], lookAgainMs: undefined });
  unlinkSync(path);
  assert.deepEqual(changesAt(10), { names: [], lookAgainMs: 100 });
  assert.deepEqual(changesAt(60), { names: [], lookAgainMs: 50 });
  writeFileSync(path, text);
  assert.deepEqual(changesAt(90), { names: [], lookAgainMs: undefined });
  unlinkSync(path);
  assert.deepEqual(changesAt(200), { names: [], lookAgainMs: 100 });
  assert.deepEqual(changesAt(300), { names: ["-a"], lookAgainMs: undefined });
});

test("FileReader gives the digest of its files as they are, and none while one cannot be read", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "file-reader-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const files = new Map<string, string>();
  const write = (name: string, content: string) => {
    files.set(name, content);
    writeFileSync(join(folder, name), content);
  };
  const reader = new FileReader({
    config: { filename: undefined, directory: folder, watch: true },
    nowMs: () => 0,
    missingGraceMs: 0,
  });
  const digest = () => {
    const read = reader.read().digest;
    return read && Buffer.from(read).toString("hex");
  };
  write("a.yml", text);
  write("b.toml", "# nothing yet");
  assert.equal(digest(), dumpDigest(files));
  write("b.toml", "# a comment says no object, and counts");
  assert.equal(digest(), dumpDigest(files));
  unlinkSync(join(folder, "b.toml"));
  files.delete("b.toml");
  assert.equal(digest(), dumpDigest(files));
  symlinkSync(join(folder, "c.yml"), join(folder, "c.yml"));
  assert.equal(digest(), undefined);
});
