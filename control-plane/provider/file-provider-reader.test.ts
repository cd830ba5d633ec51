import assert from "node:assert/strict";
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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
