import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ReferencedFiles } from "./referenced-files.ts";

let folder = "";
const at = (...names: readonly string[]) => join(folder, ...names);

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "switchyard-files-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

function replace(name: string, text: string): void {
  writeFileSync(at("new"), text);
  renameSync(at("new"), at(name));
}

test("ReferencedFiles tells of a changed file those who use it, and nobody else", () => {
  replace("a", "1");
  replace("b", "1");
  const files = new ReferencedFiles();
  for (const name of ["a", "b"])
    assert.deepEqual(files.read(at(name)), { kind: "text", text: "1" });
  files.assign("x", new Set([at("a")]));
  files.assign("y", new Set([at("a"), at("b")]));
  assert.deepEqual([...files.look()], []);
  replace("b", "2");
  assert.deepEqual(files.read(at("b")), { kind: "text", text: "1" }, "nobody has looked");
  assert.deepEqual([...files.look()], ["y"]);
  assert.deepEqual(files.read(at("b")), { kind: "text", text: "2" });
  replace("a", "2");
  replace("b", "2");
  assert.deepEqual([...files.look()], ["x", "y"], "the same text in another file is no change");
  unlinkSync(at("a"));
  assert.deepEqual([...files.look()], ["x", "y"]);
  assert.deepEqual([...files.look()], [], "it is still missing");
  assert.ok(files.isIncomplete);
  files.assign("x", new Set());
  files.assign("y", new Set([at("b")]));
  assert.ok(!files.isIncomplete, "what nobody uses is forgotten");
  files.assign("y", new Set());
  assert.deepEqual(files.folders, []);
});

test("ReferencedFiles sees a file that was changed in its place within one tick, and one whose time was set back", () => {
  writeFileSync(at("a"), "one");
  const files = new ReferencedFiles();
  files.read(at("a"));
  files.assign("x", new Set([at("a")]));
  for (const text of ["two", "six", "ten"]) {
    writeFileSync(at("a"), text);
    assert.deepEqual([...files.look()], ["x"], text);
  }
  const past = new Date(1_000_000);
  utimesSync(at("a"), past, past);
  files.look();
  writeFileSync(at("a"), "six");
  utimesSync(at("a"), past, past);
  assert.deepEqual([...files.look()], ["x"]);
});

test("ReferencedFiles looks where something has changed, and at everything else in turn", () => {
  mkdirSync(at("one"));
  mkdirSync(at("two"));
  const paths = Array.from({ length: 600 }, (_, number) =>
    at(number < 300 ? "one" : "two", `${number}`),
  );
  const files = new ReferencedFiles();
  for (const path of paths) {
    writeFileSync(path, "1");
    files.read(path);
    files.assign(path, new Set([path]));
  }
  const missing = at("none", "x");
  files.read(missing);
  files.assign(missing, new Set([missing]));
  const [first = "", last = ""] = [paths[0], paths[599]];
  for (const path of [first, last]) writeFileSync(path, "2");
  assert.deepEqual([...files.look(new Set([at("two")]))], [last]);
  mkdirSync(at("none"));
  writeFileSync(missing, "1");
  assert.deepEqual([...files.look(new Set([at("two")]))], [missing], "it may be anywhere");
  writeFileSync(last, "3");
  const found = [1, 2, 3].map(() => [...files.lookAtSome()]);
  assert.deepEqual(found, [[first], [], [last]]);
  writeFileSync(first, "3");
  assert.deepEqual([...files.lookAtSome()], [first], "and once more from the beginning");
});

test("ReferencedFiles knows every folder whose links decide what a path leads to", () => {
  for (const name of ["live", "archive", "v1", "v2"]) mkdirSync(at(name));
  writeFileSync(at("archive", "cert1.pem"), "1");
  symlinkSync("../archive/cert1.pem", at("live", "cert.pem"));
  writeFileSync(at("v1", "cert.pem"), "1");
  writeFileSync(at("v2", "cert.pem"), "2");
  mkdirSync(at("mounted"));
  symlinkSync("../v1", at("mounted", "..data"));
  symlinkSync("..data/cert.pem", at("mounted", "cert.pem"));
  symlinkSync(at("mounted"), at("current"));
  const files = new ReferencedFiles();
  const foldersOf = (path: string) => {
    files.read(path);
    files.assign("x", new Set([path]));
    files.look();
    return files.folders.map((name) => name.slice(folder.length));
  };
  assert.deepEqual(foldersOf(at("live", "cert.pem")).toSorted(), ["/archive", "/live"]);
  const path = at("current", "cert.pem");
  assert.deepEqual(foldersOf(path).toSorted(), ["", "/mounted", "/v1"]);
  symlinkSync("../v2", at("mounted", "..new"));
  renameSync(at("mounted", "..new"), at("mounted", "..data"));
  assert.deepEqual([...files.look()], ["x"]);
  assert.deepEqual(files.read(path), { kind: "text", text: "2" });
  assert.deepEqual(foldersOf(path).toSorted(), ["", "/mounted", "/v2"]);
});

test("ReferencedFiles refuses what is no file, is too large, closed or a loop, and waits for none of them", () => {
  execFileSync("mkfifo", [at("pipe")]);
  mkdirSync(at("folder"));
  writeFileSync(at("large"), "");
  truncateSync(at("large"), 5 * 1_048_576);
  symlinkSync("loop", at("loop"));
  writeFileSync(at("closed"), "secret");
  chmodSync(at("closed"), 0);
  const files = new ReferencedFiles();
  const reason = (path: string) => {
    const content = files.read(path);
    return content.kind === "unreadable" ? content.reason : "none";
  };
  assert.equal(reason(at("pipe")), "it is no regular file");
  assert.equal(reason("/dev/zero"), "it is no regular file");
  assert.equal(reason(at("folder")), "it is a folder");
  assert.equal(reason(at("large")), "it is larger than 4 MiB");
  assert.equal(reason(at("loop")), "its links lead nowhere");
  assert.equal(reason(at("none", "a")), "there is no such file or folder");
  if (process.getuid?.() !== 0) assert.equal(reason(at("closed")), "access is denied");
});
